#pragma once

#include <filesystem>
#include <string>

#include "nodulus/core/error.h"
#include "nodulus/core/options.h"
#include "nodulus/net/client.h"
#include "nodulus/net/retry.h"

namespace nodulus::app {

/// How collect and send speak to a server. Secrets come from the environment or a file and are no options.
class ArchiveOptions {
 public:
  void describe(Options& options) {
    options.add("user", user_, "name to log in with; the password is NODULUS_PASSWORD or in --password-file");
    options.add("password_file", password_file_, "file with the password").command_line_only();
    options.add("token_file", token_file_, "file with a token; else NODULUS_TOKEN").command_line_only();
    options.add("ca_file", ca_file_, "PEM file of certificates to trust instead of the machine's").command_line_only();
    options.add("tries", tries_, "times to try what fails before giving it up").between(1, 100);
    options.add("stall_s", stall_s_, "seconds without a byte after which a connection counts as dead")
        .between(1, 86400);
  }
  /// Reads the secrets. Error{usage} for a user without a password.
  [[nodiscard]] net::ClientOptions client() const {
    net::ClientOptions client;
    client.stall_s = stall_s_;
    client.ca_file = ca_file_;
    client.credentials.token = net::Secret::from("NODULUS_TOKEN", token_file_);
    client.credentials.user = user_;
    if (!user_.empty()) client.credentials.password = net::Secret::from("NODULUS_PASSWORD", password_file_);
    if (!user_.empty() && client.credentials.password.empty())
      throw Error(ErrorCode::usage, "--user: expected a password in NODULUS_PASSWORD or --password-file, found none");
    return client;
  }
  [[nodiscard]] net::RetryRule retry() const {
    net::RetryRule rule;
    rule.tries = tries_;
    return rule;
  }

 private:
  std::string user_;
  std::filesystem::path password_file_;
  std::filesystem::path token_file_;
  std::filesystem::path ca_file_;
  int tries_ = net::RetryRule{}.tries;
  double stall_s_ = net::ClientOptions{}.stall_s;
};

}  // namespace nodulus::app
