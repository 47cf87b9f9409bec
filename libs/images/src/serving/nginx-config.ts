/** Below the data directory, which is nginx's prefix: no path stands in the configuration, so none needs quoting. */
export const nginxDirectory = 'nginx';

/**
 * nginx as a server of image files and nothing else: `/boot/images/<image id>/<sha256>`. It is one process, which the kernel ends
 * together with the controller; a worker would live on and hold the port. What it sent is told on its standard output, a line
 * of JSON for each request.
 */
export function renderNginxConfig({ host, port }: { host: string; port: number }): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const address = host.includes(':') ? `[${host}]` : host;
  return `daemon off;
master_process off;
pid ${nginxDirectory}/pid;
error_log stderr notice;
events { worker_connections 4096; }
http {
  log_format fetch escape=json '{"client":"$remote_addr","imageId":"$image","method":"$request_method",'
    '"status":$status,"bytes":$body_bytes_sent,"completion":"$request_completion","seconds":$request_time}';
  access_log /dev/stdout fetch;
${temporary.map((name) => `  ${name}_temp_path ${nginxDirectory}/${name};`).join('\n')}
  sendfile on;
  sendfile_max_chunk 512k; # of a larger piece the beginning is out of the processor's cache before it is sent
  tcp_nopush on;
  server_tokens off;
  default_type application/zstd;
  server {
    listen ${address}:${port};
    root images;
    location / { return 404; }
    location ~ "^/boot/images/(?<image>[0-9a-f-]{36})/(?<content>[0-9a-f]{64})$" {
      limit_except GET { deny all; }
      try_files /$content.zst =404;
    }
  }
}
`;
}
