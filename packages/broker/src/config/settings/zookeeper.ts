import { atLeast } from '../setting-check.ts';
import { boolean, int, list, notSupported, password, string, withoutEffect } from '../setting.ts';
import { KRAFT, NO_ZOOKEEPER } from './reasons.ts';

/** The coordination service of a cluster. */
export const zookeeperSettings = {
  'zookeeper.connect': string({
    default: null,
    importance: 'high',
    status: notSupported(NO_ZOOKEEPER, 'stop'),
    about: 'Servers of the ensemble as host:port,host:port/root; empty: this broker coordinates itself.',
  }),
  'zookeeper.session.timeout.ms': int({
    default: 18000,
    unit: 'ms',
    importance: 'high',
    status: withoutEffect(NO_ZOOKEEPER),
    about: 'Session timeout.',
  }),
  'zookeeper.connection.timeout.ms': int({
    default: null,
    unit: 'ms',
    importance: 'high',
    status: withoutEffect(NO_ZOOKEEPER),
    about: 'Time limit for connecting; the session timeout where not set.',
  }),
  'zookeeper.set.acl': boolean({
    default: false,
    importance: 'high',
    status: notSupported(NO_ZOOKEEPER, 'stop'),
    about: 'Whether nodes are protected against everybody else.',
  }),
  'zookeeper.max.in.flight.requests': int({
    default: 10,
    check: atLeast(1),
    importance: 'high',
    status: withoutEffect(NO_ZOOKEEPER),
    about: 'Requests sent before the first is answered.',
  }),
  'zookeeper.metadata.migration.enable': boolean({
    default: false,
    importance: 'high',
    status: notSupported(KRAFT, 'stop'),
    about: 'Whether metadata moves to KRaft.',
  }),
  'zookeeper.metadata.migration.min.batch.size': int({
    default: 200,
    check: atLeast(1),
    internal: true,
    status: withoutEffect(KRAFT),
    about: 'Records per batch while metadata moves.',
  }),
  'zookeeper.clientCnxnSocket': string({
    default: null,
    status: withoutEffect(NO_ZOOKEEPER),
    about: "Java class of the client's socket.",
  }),
  'zookeeper.ssl.client.enable': boolean({
    default: false,
    status: notSupported(NO_ZOOKEEPER, 'stop'),
    about: 'Whether the connection uses TLS.',
  }),
  'zookeeper.ssl.protocol': string({
    default: 'TLSv1.2',
    importance: 'low',
    status: withoutEffect(NO_ZOOKEEPER),
    about: 'Version of TLS.',
  }),
  'zookeeper.ssl.enabled.protocols': list({
    default: null,
    importance: 'low',
    status: withoutEffect(NO_ZOOKEEPER),
    about: 'Versions of TLS that are allowed.',
  }),
  'zookeeper.ssl.cipher.suites': list({
    default: null,
    importance: 'low',
    status: withoutEffect(NO_ZOOKEEPER),
    about: 'Cipher suites that are allowed.',
  }),
  'zookeeper.ssl.endpoint.identification.algorithm': string({
    default: 'HTTPS',
    importance: 'low',
    status: withoutEffect(NO_ZOOKEEPER),
    about: 'How the name of a server is checked.',
  }),
  'zookeeper.ssl.crl.enable': boolean({
    default: false,
    importance: 'low',
    status: withoutEffect(NO_ZOOKEEPER),
    about: 'Whether revocation lists are asked.',
  }),
  'zookeeper.ssl.ocsp.enable': boolean({
    default: false,
    importance: 'low',
    status: withoutEffect(NO_ZOOKEEPER),
    about: 'Whether OCSP is asked.',
  }),
  'zookeeper.ssl.keystore.location': string({
    default: null,
    status: withoutEffect(NO_ZOOKEEPER),
    about: 'File of the key store.',
  }),
  'zookeeper.ssl.keystore.password': password({
    default: null,
    status: withoutEffect(NO_ZOOKEEPER),
    about: 'Password of the key store.',
  }),
  'zookeeper.ssl.keystore.type': string({
    default: null,
    status: withoutEffect(NO_ZOOKEEPER),
    about: 'Format of the key store.',
  }),
  'zookeeper.ssl.truststore.location': string({
    default: null,
    status: withoutEffect(NO_ZOOKEEPER),
    about: 'File of the trust store.',
  }),
  'zookeeper.ssl.truststore.password': password({
    default: null,
    status: withoutEffect(NO_ZOOKEEPER),
    about: 'Password of the trust store.',
  }),
  'zookeeper.ssl.truststore.type': string({
    default: null,
    status: withoutEffect(NO_ZOOKEEPER),
    about: 'Format of the trust store.',
  }),
};
