# Ruby's net/http as it comes.
require "net/http"
require "stringio"

base, body = URI(ARGV[0]), ARGV[1]
Net::HTTP.start(base.host, base.port) do |http|
  ask = lambda do |kind, path, key = nil, text = nil, chunked = false|
    request = kind.new(base.path + path)
    request["authorization"] = "Bearer sk_live_test"
    request["content-type"] = "application/json"
    request["idempotency-key"] = key if key
    if chunked
      request["transfer-encoding"] = "chunked"
      request.body_stream = StringIO.new(text)
    else
      request.body = text
    end
    http.request(request).code
  end
  puts [
    ask.call(Net::HTTP::Post, "/generate", "once", body),
    ask.call(Net::HTTP::Post, "/generate", "once", body),
    ask.call(Net::HTTP::Post, "/generate", nil, body, true),
    ask.call(Net::HTTP::Get, "/generations?limit=1"),
    ask.call(Net::HTTP::Get, "/nothing"),
    ask.call(Net::HTTP::Head, "/generations"),
  ].join(" ")
end
