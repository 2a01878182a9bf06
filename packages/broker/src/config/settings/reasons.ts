/** Why settings have no effect or are refused; each is a clause. */

export const OWN_LIMITS = 'each kind of request between brokers has a time limit of its own';
export const ONE_LOOP = 'one event loop serves everything, there is no pool of threads to size';
export const NO_PURGATORY = 'waits that are over are forgotten at once, there is nothing to purge';
export const NODE_SOCKETS = 'Node.js does not let a program set the buffers of a socket';
export const JAVA_CLASS =
  'a class for the Java machine cannot be loaded, and what it would forbid or decide must not be passed over';
export const LZ4_LEVEL = 'the lz4 codec that is used here has one level';
export const KRAFT = 'Odradek is Kafka in ZooKeeper mode, without KRaft';
export const NO_CONSUMER_GROUPS = 'the group protocol of KIP-848 is not served yet';
export const NO_SHARE_GROUPS = 'share groups are not served yet';
export const NO_TRANSACTIONS = 'transactions are not served yet';
export const NO_QUOTAS = 'quotas are not served yet';
export const NO_SECRETS = 'passwords cannot be changed while the broker runs, so none is stored';
export const SECURITY_JAVA = 'there are no Java security providers here';
export const NO_TOKENS = 'delegation tokens are not served';
export const NO_TLS = 'TLS is not served yet, and a listener that asks for it stops the start';
export const NO_SASL = 'SASL is not served yet, and a listener that asks for it stops the start';
export const ONE_SOCKET = 'the one client that there is speaks with and without TLS';
export const JAVA_CIPHERS =
  'suites have other names here than in Java, and a list that is not kept would weaken security';
export const NO_REVOCATION = 'revocation is not looked up';
export const PEM_TRUST = 'PEM files have no password';
export const NO_METRICS = 'metrics are not served yet';
export const NO_REMOTE =
  'tiered storage is absent, and remote.log.storage.system.enable=true stops the start';
