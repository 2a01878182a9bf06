const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Runs `stop` on the first Ctrl+C or SIGTERM; the second ends the process at once. @returns takes that back */
export function onStopSignal(stop: () => void): () => void {
  const handle = (): void => {
    remove();
    stop();
  };
  const remove = (): void => STOP_SIGNALS.forEach((signal) => void process.off(signal, handle));
  STOP_SIGNALS.forEach((signal) => void process.on(signal, handle));
  return remove;
}
