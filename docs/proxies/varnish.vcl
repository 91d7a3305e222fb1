# Varnish 6 or newer: varnishd -a 127.0.0.1:8080 -f varnish.vcl -p http_req_size=98304 -p http_req_hdr_len=65536 \
#   -p workspace_client=256k -p workspace_backend=256k
# The parameters are for the address of a stream with a hundred channels, which is up to 26 KB.
vcl 4.1;

backend boardcast {
  .host = "127.0.0.1";
  .port = "3000";
  .first_byte_timeout = 60s;
  # Longer than the heartbeat (15 s).
  .between_bytes_timeout = 60s;
}

sub vcl_recv {
  if (req.http.Upgrade ~ "(?i)websocket") {
    return (pipe);
  }
  # Streams never end, and everything else is of the moment.
  return (pass);
}

sub vcl_pipe {
  if (req.http.upgrade) {
    set bereq.http.upgrade = req.http.upgrade;
    set bereq.http.connection = req.http.connection;
  }
}

# While the server restarts, a 503 would end a native EventSource for ever. This brings it back.
sub vcl_backend_error {
  if (bereq.url ~ "^/(api/v1/)?sse") {
    set beresp.status = 200;
    set beresp.http.Content-Type = "text/event-stream";
    set beresp.http.Cache-Control = "no-cache";
    synthetic({"retry: 2000

"});
    return (deliver);
  }
}
