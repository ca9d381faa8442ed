import type { X509Certificate } from 'node:crypto';
import type { ClientCertificate } from '../exchange.ts';
import { children, content, dotted } from './der.ts';
import { subjectAltNames } from './extensions.ts';
import { subjectText } from './subject-text.ts';
import { tbsField } from './tbs-field.ts';

/** What of a client's certificate does not depend on who checked it. */
export type ClientFacts = Omit<ClientCertificate, 'demand' | 'fault' | 'trustedBy'>;

const COMMON_NAME = '2.5.4.3';
/** Numbers of the string types that hold ASCII or UTF-8 (X.680): UTF8String, PrintableString, IA5String. */
const TEXTS = new Set([12, 19, 22]);
/** Numbers of the choices of GeneralName (RFC 5280 §4.2.1.6). */
const EMAIL = 1;
const DNS = 2;
const URI = 6;

/**
 * Reads what a client's certificate says about its holder.
 *
 * @throws Error when it is not DER
 *
 * Security: names are taken from the DER, never from text made for people, in which one name can pretend to be two. A
 * name with control characters is left out.
 */
export function readClientCertificate(certificate: X509Certificate): ClientFacts {
  const names = subjectAltNames(certificate);
  const of = (type: number): string[] =>
    names.filter((name) => name.type === type && isPlain(name.text)).map(({ text }) => text);
  return {
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    subject: subjectText(certificate.subject),
    commonName: commonNameOf(certificate),
    emails: of(EMAIL).map(lowerDomain),
    dnsNames: of(DNS).map((name) => name.toLowerCase()),
    uris: of(URI),
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
  };
}

function commonNameOf(certificate: X509Certificate): string | undefined {
  const found: string[] = [];
  for (const set of children(tbsField(certificate, 'subject'))) {
    for (const attribute of children(set)) {
      const [type, value] = children(attribute);
      if (dotted(type) !== COMMON_NAME) continue;
      found.push(TEXTS.has(Number(value?.type)) ? content(value).toString('utf8') : '');
    }
  }
  const [name] = found;
  return found.length === 1 && name !== undefined && name !== '' && isPlain(name) ? name : undefined;
}

function isPlain(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  return text !== '' && !/[\u0000-\u001f\u007f-\u009f\ufffd]/.test(text);
}

/** The part before the `@` is its host's business (RFC 5321 §2.4). */
function lowerDomain(address: string): string {
  const at = address.lastIndexOf('@');
  return address.slice(0, at) + address.slice(at).toLowerCase();
}
