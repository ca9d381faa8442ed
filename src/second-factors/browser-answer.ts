import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';

const MAX_FIELD = 32 * 1024;
const BASE64URL = /^[A-Za-z0-9_-]*$/;

type Fields = Readonly<Record<string, unknown>>;

/** Gives what a browser answered to `navigator.credentials.create()`, or `undefined` for anything else. */
export function registrationAnswer(answer: unknown): RegistrationResponseJSON | undefined {
  const parts = partsOf(answer, ['clientDataJSON', 'attestationObject']);
  if (parts === undefined) return undefined;
  const { id, fields, response } = parts;
  const transports = Array.isArray(response.transports) ? response.transports : [];
  const known = transports.filter(
    (one): one is string => typeof one === 'string' && /^[a-z-]{1,16}$/.test(one),
  );
  return {
    id,
    rawId: id,
    type: 'public-key',
    clientExtensionResults: {},
    response: {
      clientDataJSON: fields.clientDataJSON ?? '',
      attestationObject: fields.attestationObject ?? '',
      transports: known.slice(0, 8),
    },
  };
}

/** Gives what a browser answered to `navigator.credentials.get()`, or `undefined` for anything else. */
export function authenticationAnswer(answer: unknown): AuthenticationResponseJSON | undefined {
  const parts = partsOf(answer, ['clientDataJSON', 'authenticatorData', 'signature']);
  if (parts === undefined) return undefined;
  const { id, fields, response } = parts;
  const userHandle = text(response.userHandle);
  return {
    id,
    rawId: id,
    type: 'public-key',
    clientExtensionResults: {},
    response: {
      clientDataJSON: fields.clientDataJSON ?? '',
      authenticatorData: fields.authenticatorData ?? '',
      signature: fields.signature ?? '',
      ...(userHandle !== undefined && { userHandle }),
    },
  };
}

function partsOf(
  answer: unknown,
  names: readonly string[],
):
  | { readonly id: string; readonly fields: Readonly<Record<string, string>>; readonly response: Fields }
  | undefined {
  if (!isObject(answer) || answer.type !== 'public-key' || !isObject(answer.response)) return undefined;
  const { response } = answer;
  const id = text(answer.id);
  if (id === undefined || id === '' || id.length > 1400 || answer.rawId !== id) return undefined;
  const fields: Record<string, string> = {};
  for (const name of names) {
    const value = text(response[name]);
    if (value === undefined) return undefined;
    fields[name] = value;
  }
  return { id, fields, response };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= MAX_FIELD && BASE64URL.test(value) ? value : undefined;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
