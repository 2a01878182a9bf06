import { ClientError } from '@odradek/client';

/** Windows of one length that begin at multiples of `advanceMs` since 1970. */
export interface TimeWindows {
  readonly sizeMs: number;
  readonly advanceMs: number;
  /** A window takes records for so long after its end, by stream time; then it is closed and forgotten. */
  readonly graceMs: number;
}

export interface JoinWindow {
  /** How far the times of two records may be apart, milliseconds, in either direction. */
  readonly withinMs: number;
  /** How far a record's time may lie before stream time, milliseconds; what comes later is left out and counted. */
  readonly graceMs: number;
}

/** Windows that follow each other without gaps. @throws ClientError BAD_OPTION */
export function tumbling(options: { readonly sizeMs: number; readonly graceMs: number }): TimeWindows {
  return hopping({ ...options, advanceMs: options.sizeMs });
}

/** Windows that overlap: a record is in all that hold its time. @throws ClientError BAD_OPTION */
export function hopping(windows: TimeWindows): TimeWindows {
  atLeast('sizeMs', windows.sizeMs, 1);
  atLeast('advanceMs', windows.advanceMs, 1);
  atLeast('graceMs', windows.graceMs, 0);
  if (windows.advanceMs > windows.sizeMs) {
    throw new ClientError(
      'BAD_OPTION',
      `advanceMs is ${windows.advanceMs}, allowed is up to sizeMs, ${windows.sizeMs}: else records fall between`,
    );
  }
  return windows;
}

/** @throws ClientError BAD_OPTION */
export function checkedJoinWindow(window: JoinWindow): JoinWindow {
  atLeast('withinMs', window.withinMs, 0);
  atLeast('graceMs', window.graceMs, 0);
  return window;
}

/** Where the windows begin that hold a time, in order; none begins before 1970. */
export function windowStarts({ sizeMs, advanceMs }: TimeWindows, timeMs: number): number[] {
  const starts: number[] = [];
  const last = timeMs - (timeMs % advanceMs);
  for (let start = last; start > timeMs - sizeMs && start >= 0; start -= advanceMs) starts.unshift(start);
  return starts;
}

/** @throws ClientError BAD_OPTION */
export function atLeast(name: string, value: number, min: number): number {
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw new ClientError('BAD_OPTION', `${name} is ${value}, allowed are whole numbers from ${min} on`);
}
