#include "nodulus/app/commands.h"

namespace nodulus::app {

std::vector<CommandRow> commands() {
  return {
#ifdef NODULUS_HAS_ARCHIVE
      collect_command(),    send_command(),
#endif
#ifdef NODULUS_HAS_DICOM
      prepare_command(),    export_dicom_command(),
#endif
#ifdef NODULUS_HAS_IMAGES
      import_command(),     export_images_command(),
#endif
      inspect_command(),    study_command(),         contribute_command(),
#ifdef NODULUS_HAS_TORCH
      patterns_command(),   train_command(),         describe_command(),   generate_command(), project_command(),
      likelihood_command(), samplers_command(),      evaluate_command(),   publish_command(),  sweep_command(),
#endif
#ifdef NODULUS_HAS_REPORT
      report_command(),
#endif
      models_command(),
#ifdef NODULUS_HAS_SERVE
      serve_command(),      token_command(),
#endif
  };
}

}  // namespace nodulus::app
