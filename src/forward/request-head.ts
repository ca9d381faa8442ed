import type { CanonicalRequest, HeaderList } from '../exchange.ts';

/**
 * Gives request line and fields as they go on the wire to an HTTP/1.1 upstream (RFC 9112 §3, §5).
 *
 * @param host - what `Host` says
 * @param framing - the field that frames the body, with its CRLF; empty where there is no body
 * @returns latin1, the empty line included
 */
export function requestHead(
  request: CanonicalRequest,
  host: string,
  fields: HeaderList,
  framing: string,
): string {
  let head = `${request.method} ${request.path}${request.query} HTTP/1.1\r\nhost: ${host}\r\n`;
  for (let i = 0; i < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return `${head}${framing}\r\n`;
}
