/** What `mcbridge check` finds in the files of a side. */

export {
  type ClientFiles,
  checkAuthorities,
  checkClient,
  checkTlsClient,
} from '../../adapters/kit/check/certificate-files.ts';
export { parseCertificates, type Validity, validity } from '../../adapters/kit/check/certificates.ts';
export {
  checkPrivateKey,
  checkPublicKey,
  checkSigningKey,
  mendReading,
  readBytes,
  readText,
  warnIfWorldReadable,
} from '../../adapters/kit/check/key-files.ts';
export {
  type EgressCheck,
  type Lack,
  type PatternList,
  privilegedPatterns,
  type SideCheck,
} from '../../adapters/kit/check/side-check.ts';
export { Checklist, type Finding } from '../../config/checklist.ts';
