#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

namespace nodulus::test {

struct Certificate {
  std::string certificate;  ///< PEM files.
  std::string key;
};

/// A self-signed certificate for `hosts`, such as "IP:127.0.0.1,DNS:localhost", that holds from `first_day` to
/// `last_day`, counted from now. {"IP:127.0.0.1", -2, -1} has run out.
inline Certificate make_certificate(const std::filesystem::path& folder, const std::string& name,
                                    const std::string& hosts, int first_day = -1, int last_day = 1) {
  const auto need = [](bool good) {
    if (!good) throw std::runtime_error("OpenSSL makes no certificate");
  };
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> made(X509_new(), X509_free);
  need(key != nullptr && made != nullptr);
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
  X509_time_adj_ex(X509_getm_notBefore(made.get()), first_day, 0, nullptr);
  X509_time_adj_ex(X509_getm_notAfter(made.get()), last_day, 0, nullptr);
  X509_set_pubkey(made.get(), key.get());
  X509_NAME* const subject = X509_get_subject_name(made.get());
  const auto* const common = reinterpret_cast<const unsigned char*>(name.c_str());
  need(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, common, -1, -1, 0) == 1);
  X509_set_issuer_name(made.get(), subject);
  const auto extend = [&](int kind, const std::string& value) {
    const std::unique_ptr<X509_EXTENSION, void (*)(X509_EXTENSION*)> extension(
        X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str()), X509_EXTENSION_free);
    need(extension != nullptr && X509_add_ext(made.get(), extension.get(), -1) == 1);
  };
  extend(NID_basic_constraints, "critical,CA:TRUE");
  extend(NID_subject_alt_name, hosts);
  need(X509_sign(made.get(), key.get(), EVP_sha256()) > 0);

  std::filesystem::create_directories(folder);
  const Certificate files{(folder / (name + ".pem")).string(), (folder / (name + ".key")).string()};
  const auto write = [&](const std::string& file, const auto& put) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(file.c_str(), "w"), std::fclose);
    need(stream != nullptr && put(stream.get()) == 1);
  };
  write(files.certificate, [&](std::FILE* stream) { return PEM_write_X509(stream, made.get()); });
  write(files.key, [&](std::FILE* stream) {
    return PEM_write_PrivateKey(stream, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return files;
}

}  // namespace nodulus::test
