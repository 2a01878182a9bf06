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
