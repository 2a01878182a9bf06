import { closeWith } from './closing-line.ts';

/** The steps of a proof, each on what those before it left: the first that fails is the last that is taken. */
export class Steps {
  private passed = 0;
  private failed = 0;

  /** @param run says what it saw */
  async take(what: string, run: () => Promise<string>): Promise<void> {
    if (this.failed > 0) return;
    try {
      console.log(`ok    ${what}: ${await run()}`);
      this.passed++;
    } catch (error) {
      console.log(`FAIL  ${what}: ${(error as Error).stack?.slice(0, 3000)}`);
      this.failed++;
    }
  }

  close(): void {
    closeWith(this.passed, this.failed);
  }
}
