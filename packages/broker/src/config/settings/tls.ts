import { oneOf } from '../setting-check.ts';
import { boolean, className, list, password, string, withoutEffect } from '../setting.ts';
import { NO_TLS } from './reasons.ts';

/** TLS listeners. */
export const tlsSettings = {
  'ssl.protocol': string({
    default: 'TLSv1.3',
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Version of TLS that is preferred.',
  }),
  'ssl.provider': string({
    default: null,
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Java security provider for TLS.',
  }),
  'ssl.enabled.protocols': list({
    default: ['TLSv1.2', 'TLSv1.3'],
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Versions of TLS that are allowed.',
  }),
  'ssl.cipher.suites': list({
    default: [],
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Cipher suites that are allowed.',
  }),
  'ssl.keystore.type': string({
    default: 'JKS',
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Format of the key store.',
  }),
  'ssl.keystore.location': string({
    default: null,
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'File of the key store.',
  }),
  'ssl.keystore.password': password({
    default: null,
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Password of the key store.',
  }),
  'ssl.keystore.key': password({
    default: null,
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Private key, in PEM.',
  }),
  'ssl.keystore.certificate.chain': password({
    default: null,
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Certificates of the key, in PEM.',
  }),
  'ssl.key.password': password({
    default: null,
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Password of the private key.',
  }),
  'ssl.truststore.type': string({
    default: 'JKS',
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Format of the trust store.',
  }),
  'ssl.truststore.location': string({
    default: null,
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'File of the trust store.',
  }),
  'ssl.truststore.password': password({
    default: null,
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Password of the trust store.',
  }),
  'ssl.truststore.certificates': password({
    default: null,
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Trusted certificates, in PEM.',
  }),
  'ssl.keymanager.algorithm': string({
    default: 'SunX509',
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Java algorithm of the key manager.',
  }),
  'ssl.trustmanager.algorithm': string({
    default: 'PKIX',
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Java algorithm of the trust manager.',
  }),
  'ssl.endpoint.identification.algorithm': string({
    default: 'https',
    importance: 'low',
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'How the name of a peer is checked; empty: not at all.',
  }),
  'ssl.secure.random.implementation': string({
    default: null,
    importance: 'low',
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Java source of randomness.',
  }),
  'ssl.client.auth': string({
    default: 'none',
    check: oneOf('required', 'requested', 'none'),
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Whether clients must, may or need not show a certificate.',
  }),
  'ssl.engine.factory.class': className({
    default: null,
    importance: 'low',
    update: 'per-broker',
    status: withoutEffect(NO_TLS),
    about: 'Class that makes TLS engines.',
  }),
  'ssl.principal.mapping.rules': string({
    default: 'DEFAULT',
    importance: 'low',
    status: withoutEffect(NO_TLS),
    about: 'Rules from the name in a certificate to the name of a user.',
  }),
  'ssl.allow.dn.changes': boolean({
    default: false,
    importance: 'low',
    status: withoutEffect(NO_TLS),
    about: 'Whether a renewed certificate may have another name.',
  }),
  'ssl.allow.san.changes': boolean({
    default: false,
    importance: 'low',
    status: withoutEffect(NO_TLS),
    about: 'Whether a renewed certificate may lack alternative names.',
  }),
};
