/** Brokers and clusters for tests, faults in them, and the judgement of what clients saw. */
export { startBroker, type StartTestBrokerOptions, type TestBroker } from './brokers/start-test-broker.ts';
export {
  startCluster,
  type StartTestClusterOptions,
  type TestCluster,
} from './brokers/start-test-cluster.ts';
export type { TestControls } from './brokers/test-controls.ts';
export type { Fault, FaultEffect, FaultRule } from './request-faults/fault-rule.ts';
export type { Faults } from './request-faults/faults.ts';
export { FaultRuleError } from './request-faults/read-fault-rule.ts';
export type { Anomaly, AnomalyName } from './history/anomaly.ts';
export type {
  HistoryEvent,
  PolledRecord,
  PollEvent,
  PositionEvent,
  SendEvent,
  TransactionEvent,
} from './history/history.ts';
export { judgeHistory } from './history/judge-history.ts';
export {
  startSchemaRegistry,
  type RegistryFault,
  type SchemaRegistryStartOptions,
  type TestSchemaRegistry,
} from './schema-registry/start-schema-registry.ts';
export type { GivenSchema } from './schema-registry/stored-schemas.ts';
