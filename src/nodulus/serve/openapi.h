#pragma once

#include "nodulus/core/manifest.h"
#include "nodulus/serve/http.h"

namespace nodulus::serve {

/// The API's description (OpenAPI 3.1.0), made of its routes.
Json openapi(const Router& router);

/// JSON Schema of problem details.
Json problem_schema();

}  // namespace nodulus::serve
