/** A cluster in virtual time: see docs/simulator.md. */
export { clientProcess, simulatedEnvironment } from './clients/client-process.ts';
export type { Outcome } from './outcome.ts';
export { simulate, type SimulationOptions } from './simulate.ts';
export { Stage, type StageOptions } from './stage.ts';
