/** A broker in this process. */
export { startBroker, type RunningBroker, type StartBrokerOptions } from './start-broker.ts';
export { BrokerConfigError } from './config/broker-config.ts';
