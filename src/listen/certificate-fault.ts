import type { CertificateFault } from '../exchange.ts';

const WORDS: ReadonlyMap<string, CertificateFault> = new Map([
  ['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', 'none-shown'],
  ['CERT_REVOKED', 'revoked'],
  ['CERT_HAS_EXPIRED', 'expired'],
  ['CERT_NOT_YET_VALID', 'not-yet-valid'],
  ['INVALID_PURPOSE', 'purpose-wrong'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'authority-unknown'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'authority-unknown'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'authority-unknown'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'authority-unknown'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'authority-unknown'],
  ['CERT_UNTRUSTED', 'authority-unknown'],
  ['CERT_REJECTED', 'authority-unknown'],
  ['CERT_CHAIN_TOO_LONG', 'chain-invalid'],
  ['INVALID_CA', 'chain-invalid'],
  ['PATH_LENGTH_EXCEEDED', 'chain-invalid'],
  ['CERT_SIGNATURE_FAILURE', 'signature-wrong'],
  ['UNABLE_TO_DECRYPT_CERT_SIGNATURE', 'signature-wrong'],
  ['UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY', 'signature-wrong'],
  ['CRL_HAS_EXPIRED', 'crl-expired'],
  ['CRL_NOT_YET_VALID', 'crl-not-yet-valid'],
  ['UNABLE_TO_GET_CRL', 'crl-missing'],
  ['CRL_SIGNATURE_FAILURE', 'crl-invalid'],
  ['UNABLE_TO_DECRYPT_CRL_SIGNATURE', 'crl-invalid'],
  ['ERROR_IN_CRL_LAST_UPDATE_FIELD', 'crl-invalid'],
  ['ERROR_IN_CRL_NEXT_UPDATE_FIELD', 'crl-invalid'],
  ['ERROR_IN_CERT_NOT_BEFORE_FIELD', 'malformed'],
  ['ERROR_IN_CERT_NOT_AFTER_FIELD', 'malformed'],
]);

/** Gives the word for what OpenSSL found wrong with a client's certificate. @param code - as node names it */
export function certificateFault(code: string): CertificateFault {
  return WORDS.get(code) ?? 'other';
}
