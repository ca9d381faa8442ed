import { asGatewayError, GatewayError, type GatewayErrorOptions } from '../errors.ts';

/** Largest body: a certificate chain with its key is some kibibytes. */
export const BODY_BYTES = 2 * 1024 * 1024;

const TOO_LARGE = `The body is larger than ${BODY_BYTES / 1024 / 1024} MiB, which is the most that is read`;

/** The public half of a failure, RFC 9457. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly requestId: string;
  readonly problems?: readonly string[];
}

/** Gives the problem document of a failure. Security: `detail`, `reason` and `cause` stay out of it. */
export function problemOf(error: GatewayError, requestId: string): Problem {
  const problem = {
    type: 'about:blank',
    title: error.title,
    status: error.status,
    code: error.code,
    requestId,
  };
  return error.problems.length === 0 ? problem : { ...problem, problems: error.problems };
}

/** Gives what was thrown by a route, by the framework or by Node's parser as a `GatewayError`. */
export function asAdminError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  if (!(thrown instanceof Error)) return asGatewayError(thrown);
  const problems = validationProblems(thrown);
  if (problems !== undefined) return badRequest({ problems });
  const code = 'code' in thrown ? thrown.code : undefined;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new GatewayError('SP_ADMIN_TOO_LARGE', { cause: thrown, problems: [TOO_LARGE] });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_EMPTY_TYPE':
      return new GatewayError('SP_ADMIN_MEDIA_TYPE', { cause: thrown });
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return badRequest({ problems: ['The body is not valid JSON'] });
  }
  const status = 'statusCode' in thrown && typeof thrown.statusCode === 'number' ? thrown.statusCode : 500;
  return status >= 400 && status < 500 ? badRequest({ cause: thrown }) : asGatewayError(thrown);
}

function badRequest(options: GatewayErrorOptions): GatewayError {
  return new GatewayError('SP_ADMIN_BAD_REQUEST', options);
}

interface SchemaFinding {
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly keyword: string;
  readonly message?: string;
  readonly params?: { readonly additionalProperty?: unknown };
}

/** Where a body may have one of two shapes, `then` and `else` say what is wrong with the one that was meant. */
function isOfOtherShape({ schemaPath, keyword }: SchemaFinding): boolean {
  return keyword === 'if' || schemaPath.startsWith('#/anyOf');
}

/** Names where and what, never the value that was sent: it may be a key or a password. */
function validationProblems(error: Error): string[] | undefined {
  if (!('validation' in error) || !Array.isArray(error.validation)) return undefined;
  const context = 'validationContext' in error ? String(error.validationContext) : 'body';
  const findings: readonly SchemaFinding[] = error.validation;
  const meant = findings.filter((finding) => !isOfOtherShape(finding));
  const lines = (meant.length > 0 ? meant : findings).map(({ instancePath, message, params }) => {
    const extra = params?.additionalProperty;
    const key = typeof extra === 'string' ? `: ${extra.slice(0, 64)}` : '';
    return `${context}${instancePath.replaceAll('/', '.')} ${message ?? 'is not valid'}${key}`;
  });
  return [...new Set(lines)].slice(0, 50);
}
