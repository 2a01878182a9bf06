/** Brokers in this process. */
export { startBroker, type RunningBroker, type StartBrokerOptions } from './start-broker.ts';
export { startCluster, type RunningCluster, type StartClusterOptions } from './start-cluster.ts';
export { BrokerConfigError } from './config/load-broker-config.ts';
