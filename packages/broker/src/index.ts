/** A broker in this process. */
export { startBroker, type RunningBroker, type StartBrokerOptions } from './start-broker.ts';
export { BrokerConfigError } from './config/load-broker-config.ts';
