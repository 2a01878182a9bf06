import { atLeast } from '../setting-check.ts';
import { boolean, int, list, notSupported, password, string, withoutEffect } from '../setting.ts';
import { JAVA_CIPHERS, KRAFT, NO_REVOCATION, ONE_SOCKET, PEM_TRUST } from './reasons.ts';

/** The coordination service of a cluster. */
export const zookeeperSettings = {
  'zookeeper.connect': string({
    default: null,
    importance: 'high',
    about:
      'Servers of the ensemble as host:port,host:port/root; empty: this broker coordinates itself. The root must be there.',
  }),
  'zookeeper.session.timeout.ms': int({
    default: 18000,
    unit: 'ms',
    importance: 'high',
    about:
      'How long ZooKeeper and the broker itself keep its session when they hear nothing of each other; then it stops serving and ends.',
  }),
  'zookeeper.connection.timeout.ms': int({
    default: null,
    unit: 'ms',
    importance: 'high',
    about: 'How long the start waits for a session; the session timeout where not set.',
  }),
  'zookeeper.set.acl': boolean({
    default: false,
    importance: 'high',
    about:
      'Whether only this cluster may change its nodes; needs a certificate (zookeeper.ssl.keystore.location) or a login (see the guide to ZooKeeper), which is who it is.',
  }),
  'zookeeper.max.in.flight.requests': int({
    default: 10,
    check: atLeast(1),
    importance: 'high',
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
    status: withoutEffect(ONE_SOCKET),
    about: "Java class of the client's socket.",
  }),
  'zookeeper.ssl.client.enable': boolean({
    default: false,
    about: 'Whether the connection uses TLS.',
  }),
  'zookeeper.ssl.protocol': string({
    default: 'TLSv1.2',
    importance: 'low',
    about: 'Version of TLS, where zookeeper.ssl.enabled.protocols is not set.',
  }),
  'zookeeper.ssl.enabled.protocols': list({
    default: null,
    importance: 'low',
    about: 'Versions of TLS that are allowed, and those between them.',
  }),
  'zookeeper.ssl.cipher.suites': list({
    default: null,
    importance: 'low',
    status: notSupported(JAVA_CIPHERS, 'stop'),
    about: 'Cipher suites that are allowed.',
  }),
  'zookeeper.ssl.endpoint.identification.algorithm': string({
    default: 'HTTPS',
    importance: 'low',
    about: 'HTTPS: the certificate of a server must bear its name. Empty: any name will do.',
  }),
  'zookeeper.ssl.crl.enable': boolean({
    default: false,
    importance: 'low',
    status: notSupported(NO_REVOCATION, 'stop'),
    about: 'Whether revocation lists are asked.',
  }),
  'zookeeper.ssl.ocsp.enable': boolean({
    default: false,
    importance: 'low',
    status: notSupported(NO_REVOCATION, 'stop'),
    about: 'Whether OCSP is asked.',
  }),
  'zookeeper.ssl.keystore.location': string({
    default: null,
    about: 'File with our key and its certificates.',
  }),
  'zookeeper.ssl.keystore.password': password({
    default: null,
    about: 'Password of the key store.',
  }),
  'zookeeper.ssl.keystore.type': string({
    default: null,
    about: 'PEM or PKCS12; as the name of the file ends where not set.',
  }),
  'zookeeper.ssl.truststore.location': string({
    default: null,
    about: 'File with the authorities that servers are trusted by; those of Node.js where not set.',
  }),
  'zookeeper.ssl.truststore.password': password({
    default: null,
    status: withoutEffect(PEM_TRUST),
    about: 'Password of the trust store.',
  }),
  'zookeeper.ssl.truststore.type': string({
    default: null,
    about: 'PEM; as the name of the file ends where not set.',
  }),
};
