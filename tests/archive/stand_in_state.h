#pragma once

#include <httplib.h>

#include <atomic>
#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

#include "tests/archive/stand_in.h"

namespace nodulus::test {

/// What the handlers of the stand-in share.
struct StandIn::Server {
  Server(std::vector<StandInSeries> served, const StandInOptions& wanted)
      : series(std::move(served)), options(wanted) {}

  struct Fault {
    std::string kind;
    std::string text;
    int times = 0;
  };

  /// The fault of this request, used up; "" for none.
  std::string take_fault(const std::string& target);
  /// Answers faults that any request can have; true where it did.
  bool misbehave(const std::string& kind, httplib::Response& response);
  /// Sends `bytes`: chunked or with a length, cut or stalled half way.
  void give(httplib::Response& response, std::string bytes, const std::string& type, const std::string& kind,
            bool with_length);
  bool is_let_in(const httplib::Request& request, httplib::Response& response);
  [[nodiscard]] const StandInSeries* find(const std::string& uid) const;

  void add_nbia();
  void add_nbia_lists(const std::string& root);
  void add_nbia_beside();
  void add_dicomweb();
  void give_zip(const httplib::Request& request, httplib::Response& response, bool with_sums);
  void store(const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& reader);

  std::vector<StandInSeries> series;
  StandInOptions options;
  std::unique_ptr<httplib::Server> http;
  int port = 0;
  std::thread thread;

  mutable std::mutex mutex;
  std::list<Fault> faults;
  std::vector<std::string> targets;
  std::vector<std::string> range_headers;
  std::vector<std::string> authorization_headers;
  std::map<std::string, std::string> objects;
  std::map<std::string, int> uses;  // of tokens
  int tokens = 0;
  int etag = 1;
  std::atomic<std::int64_t> bytes_sent{0};
  std::atomic<bool> stopping{false};
};

}  // namespace nodulus::test
