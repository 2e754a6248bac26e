/**
 * The paths of PKITS that need revocation lists: the test's number, the end entity's certificate, each issuer's below the trust
 * anchor and what else comes with it, then the lists beside that of the trust anchor. As for those in `pkits-paths.ts`.
 */

/** Paths that are valid. */
export const VALID_WITH_LISTS = `
4.4.7 ValidTwoCRLsTest7EE TwoCRLsCACert | TwoCRLsCAGoodCRL TwoCRLsCABadCRL
4.4.13 ValidGeneralizedTimeCRLnextUpdateTest13EE GeneralizedTimeCRLnextUpdateCACert | GeneralizedTimeCRLnextUpdateCACRL
4.4.14 ValidNegativeSerialNumberTest14EE NegativeSerialNumberCACert | NegativeSerialNumberCACRL
4.4.16 ValidLongSerialNumberTest16EE LongSerialNumberCACert | LongSerialNumberCACRL
4.4.17 ValidLongSerialNumberTest17EE LongSerialNumberCACert | LongSerialNumberCACRL
4.4.19 ValidSeparateCertificateandCRLKeysTest19EE SeparateCertificateandCRLKeysCertificateSigningCACert SeparateCertificateandCRLKeysCRLSigningCert | SeparateCertificateandCRLKeysCRL
4.5.1 ValidBasicSelfIssuedOldWithNewTest1EE BasicSelfIssuedNewKeyOldWithNewCACert BasicSelfIssuedNewKeyCACert | BasicSelfIssuedNewKeyCACRL
4.5.3 ValidBasicSelfIssuedNewWithOldTest3EE BasicSelfIssuedOldKeyNewWithOldCACert BasicSelfIssuedOldKeyCACert | BasicSelfIssuedOldKeySelfIssuedCertCRL BasicSelfIssuedOldKeyCACRL
4.5.4 ValidBasicSelfIssuedNewWithOldTest4EE BasicSelfIssuedOldKeyNewWithOldCACert BasicSelfIssuedOldKeyCACert | BasicSelfIssuedOldKeySelfIssuedCertCRL BasicSelfIssuedOldKeyCACRL
4.5.6 ValidBasicSelfIssuedCRLSigningKeyTest6EE BasicSelfIssuedCRLSigningKeyCRLCert BasicSelfIssuedCRLSigningKeyCACert | BasicSelfIssuedCRLSigningKeyCACRL BasicSelfIssuedCRLSigningKeyCRLCertCRL
4.14.1 ValiddistributionPointTest1EE distributionPoint1CACert | distributionPoint1CACRL
4.14.4 ValiddistributionPointTest4EE distributionPoint1CACert | distributionPoint1CACRL
4.14.5 ValiddistributionPointTest5EE distributionPoint2CACert | distributionPoint2CACRL
4.14.7 ValiddistributionPointTest7EE distributionPoint2CACert | distributionPoint2CACRL
4.14.10 ValidNoissuingDistributionPointTest10EE NoissuingDistributionPointCACert | NoissuingDistributionPointCACRL
4.14.13 ValidonlyContainsCACertsTest13EE onlyContainsCACertsCACert | onlyContainsCACertsCACRL
`;

/** Paths with a certificate that is revoked. */
export const REVOKED = `
4.4.2 InvalidRevokedCATest2EE RevokedsubCACert GoodCACert | GoodCACRL RevokedsubCACRL
4.4.3 InvalidRevokedEETest3EE GoodCACert | GoodCACRL
4.4.15 InvalidNegativeSerialNumberTest15EE NegativeSerialNumberCACert | NegativeSerialNumberCACRL
4.4.18 InvalidLongSerialNumberTest18EE LongSerialNumberCACert | LongSerialNumberCACRL
4.4.20 InvalidSeparateCertificateandCRLKeysTest20EE SeparateCertificateandCRLKeysCertificateSigningCACert SeparateCertificateandCRLKeysCRLSigningCert | SeparateCertificateandCRLKeysCRL
4.5.2 InvalidBasicSelfIssuedOldWithNewTest2EE BasicSelfIssuedNewKeyOldWithNewCACert BasicSelfIssuedNewKeyCACert | BasicSelfIssuedNewKeyCACRL
4.5.5 InvalidBasicSelfIssuedNewWithOldTest5EE BasicSelfIssuedOldKeyNewWithOldCACert BasicSelfIssuedOldKeyCACert | BasicSelfIssuedOldKeySelfIssuedCertCRL BasicSelfIssuedOldKeyCACRL
4.5.7 InvalidBasicSelfIssuedCRLSigningKeyTest7EE BasicSelfIssuedCRLSigningKeyCRLCert BasicSelfIssuedCRLSigningKeyCACert | BasicSelfIssuedCRLSigningKeyCACRL BasicSelfIssuedCRLSigningKeyCRLCertCRL
4.14.2 InvaliddistributionPointTest2EE distributionPoint1CACert | distributionPoint1CACRL
4.14.6 InvaliddistributionPointTest6EE distributionPoint2CACert | distributionPoint2CACRL
`;

/** Paths of which no list tells that can be used. */
export const UNKNOWN = `
4.4.1 InvalidMissingCRLTest1EE NoCRLCACert |
4.4.4 InvalidBadCRLSignatureTest4EE BadCRLSignatureCACert | BadCRLSignatureCACRL
4.4.5 InvalidBadCRLIssuerNameTest5EE BadCRLIssuerNameCACert | BadCRLIssuerNameCACRL
4.4.6 InvalidWrongCRLTest6EE WrongCRLCACert | WrongCRLCACRL
4.4.11 InvalidOldCRLnextUpdateTest11EE OldCRLnextUpdateCACert | OldCRLnextUpdateCACRL
4.4.12 Invalidpre2000CRLnextUpdateTest12EE pre2000CRLnextUpdateCACert | pre2000CRLnextUpdateCACRL
4.4.21 InvalidSeparateCertificateandCRLKeysTest21EE SeparateCertificateandCRLKeysCA2CertificateSigningCACert SeparateCertificateandCRLKeysCA2CRLSigningCert | SeparateCertificateandCRLKeysCA2CRL
4.7.4 InvalidkeyUsageCriticalcRLSignFalseTest4EE keyUsageCriticalcRLSignFalseCACert | keyUsageCriticalcRLSignFalseCACRL
4.7.5 InvalidkeyUsageNotCriticalcRLSignFalseTest5EE keyUsageNotCriticalcRLSignFalseCACert | keyUsageNotCriticalcRLSignFalseCACRL
4.14.3 InvaliddistributionPointTest3EE distributionPoint1CACert | distributionPoint1CACRL
4.14.8 InvaliddistributionPointTest8EE distributionPoint2CACert | distributionPoint2CACRL
4.14.9 InvaliddistributionPointTest9EE distributionPoint2CACert | distributionPoint2CACRL
4.14.11 InvalidonlyContainsUserCertsTest11EE onlyContainsUserCertsCACert | onlyContainsUserCertsCACRL
4.14.12 InvalidonlyContainsCACertsTest12EE onlyContainsCACertsCACert | onlyContainsCACertsCACRL
`;

/** Lists that are refused whatever they are to tell of: the test that they belong to, and the list. */
export const UNUSABLE = `
4.4.8 UnknownCRLEntryExtensionCACRL
4.4.9 UnknownCRLExtensionCACRL
4.14.14 onlyContainsAttributeCertsCACRL
4.14.15 onlySomeReasonsCA1compromiseCRL
4.14.17 onlySomeReasonsCA2CRL1
4.14.18 onlySomeReasonsCA3otherreasonsCRL
4.14.19 onlySomeReasonsCA4compromiseCRL
4.14.22 indirectCRLCA1CRL
4.14.28 indirectCRLCA3cRLIssuerCRL
4.14.30 indirectCRLCA4cRLIssuerCRL
4.14.31 indirectCRLCA5CRL
4.15.1 deltaCRLIndicatorNoBaseCACRL
4.15.2 deltaCRLCA1deltaCRL
4.15.8 deltaCRLCA2deltaCRL
4.15.9 deltaCRLCA3deltaCRL
`;
