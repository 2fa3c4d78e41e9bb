#pragma once

#include "nodulus/app/command.h"

/// The rows that the other files of this folder make; commands() lists those that this build has.
namespace nodulus::app {

CommandRow prepare_command();
CommandRow collect_command();
CommandRow send_command();
CommandRow import_command();
CommandRow export_images_command();
CommandRow export_dicom_command();
CommandRow inspect_command();
CommandRow train_command();
CommandRow describe_command();
CommandRow generate_command();
CommandRow project_command();
CommandRow samplers_command();
CommandRow likelihood_command();
CommandRow study_command();
CommandRow contribute_command();
CommandRow patterns_command();
CommandRow evaluate_command();
CommandRow publish_command();
CommandRow models_command();
CommandRow report_command();
CommandRow sweep_command();
CommandRow serve_command();
CommandRow token_command();

}  // namespace nodulus::app
