#include "nodulus/archive/nbia_session.h"

#include "nodulus/core/error.h"
#include "nodulus/core/manifest.h"
#include "nodulus/net/retry.h"
#include "nodulus/net/url.h"

namespace nodulus::archive {

std::pair<net::Secret, int> NbiaSession::token_after(net::Client& client, int known) {
  const std::lock_guard lock(mutex_);
  if (number_ > known) return {token_, number_};
  std::string form =
      net::joined("x:", "", {{"grant_type", "password"}, {"client_id", client_id_}, {"username", user_}});
  form = form.substr(form.find('?') + 1) + "&password=" + net::encoded(password_.reveal());
  const auto attempt = [&] {
    net::Request request;
    request.url = token_url_;
    request.headers = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json"};
    request.body = net::Body::of(form);
    request.with_credentials = false;
    return client.send(request);
  };
  // The form holds the password, so it is for https or this machine alone.
  const net::Url url = net::Url::parse(token_url_, "address");
  if (url.scheme != "https" && !url.is_loopback())
    throw Error(ErrorCode::usage, url.origin() + ": expected https for a login, which http would show to all");
  net::Answer answer = net::with_retries({.tries = 3}, "login", client.monitor(), attempt);
  // What a server says to a login may repeat it.
  if (!answer.good())
    throw Error(ErrorCode::io, net::shown(token_url_) + ": the login is refused (" +
                                   (answer.status > 0 ? "status " + std::to_string(answer.status) : answer.problem) +
                                   ")");
  const Json json = Json::parse(answer.body, nullptr, false);
  if (!json.is_object() || !json.contains("access_token") || !json["access_token"].is_string())
    throw Error(ErrorCode::io, net::shown(token_url_) + ": expected an access_token, found none in the answer");
  token_ = net::Secret(json["access_token"].get<std::string>());
  ++number_;
  return {token_, number_};
}

net::Answer NbiaSession::send(net::Client& client, const net::Request& request, const net::Sink& sink,
                              const net::OnHead& on_head) {
  int known = 0;
  while (true) {
    const auto [token, number] = token_after(client, known);
    client.use({token, "", {}});
    net::Answer answer = client.send(request, sink, on_head);
    if (answer.status != 401 || known > 0) return answer;
    known = number;
  }
}

}  // namespace nodulus::archive
