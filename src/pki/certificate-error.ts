/** What is wrong with a certificate that is one; its sentence goes on from "it". */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
}
