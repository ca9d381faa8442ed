/**
 * Gives an nginx configuration of one worker in the foreground, with all temporary files under its own folder.
 *
 * @param http - directives of the `http` block
 */
export function nginxFile(http: string): string {
  const scratch = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${name};`,
  );
  return `daemon off;
worker_processes 1;
pid nginx.pid;
worker_rlimit_nofile 20000;
events { worker_connections 10000; }
http {
  ${scratch.join('\n  ')}
  keepalive_requests 100000000;
  keepalive_timeout 300s;
  ${http}
}
`;
}
