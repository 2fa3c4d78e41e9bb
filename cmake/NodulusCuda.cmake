# The toolkit that compiles our .cu files. Included before libtorch is looked for, whose own search for it says less.
if(NOT NODULUS_TORCH)
  message(FATAL_ERROR "NODULUS_CUDA: expected NODULUS_TORCH beside it, found it off")
endif()
set(CMAKE_CUDA_RUNTIME_LIBRARY Shared)  # libtorch's own
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  message(FATAL_ERROR "NODULUS_CUDA: expected a CUDA toolkit, found no nvcc: put it on PATH or set CUDACXX, or leave "
    "NODULUS_CUDA off")
endif()
set(CMAKE_CUDA_ARCHITECTURES OFF)  # for the toolkit's trial; what we compile for stands below
enable_language(CUDA)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 11.8)
  message(FATAL_ERROR "CUDA toolkit: expected 11.8 or newer, which knows the H100, found ${CMAKE_CUDA_COMPILER_VERSION}")
endif()
find_package(CUDAToolkit REQUIRED)

# V100 (7.0), which CUDA 13 left behind, T4 (7.5), A100 (8.0), H100 (9.0), and PTX of the last for what comes.
set(nodulus_architectures 75-real 80-real 90)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 13.0)
  list(PREPEND nodulus_architectures 70-real)
endif()
set(NODULUS_CUDA_ARCHITECTURES "${nodulus_architectures}" CACHE STRING "GPUs that the kernels are compiled for")

# libtorch adds flags of its own to those of all CUDA sources, architectures among them. Ours see no libtorch: they go
# again. And that it was built without CUDA is said here rather than by the linker.
set(nodulus_cuda_flags "${CMAKE_CUDA_FLAGS}")
macro(nodulus_check_cuda)
  set(CMAKE_CUDA_FLAGS "${nodulus_cuda_flags}")
  if(NOT TARGET c10_cuda)
    message(FATAL_ERROR "NODULUS_CUDA: expected a libtorch built with CUDA, found one without in ${Torch_DIR}")
  endif()
endmacro()
