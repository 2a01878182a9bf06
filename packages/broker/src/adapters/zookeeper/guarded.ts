/** A caller's mistake must not keep the others from their answers; it is reported as uncaught. */
export function guarded(run: () => void): void {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
