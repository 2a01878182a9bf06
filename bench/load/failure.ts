/** The first failure of many connections, as one promise that everything else can be raced against. */
export class Failure {
  readonly promise: Promise<never>;
  private reject: (error: Error) => void = () => {};

  constructor() {
    this.promise = new Promise<never>((_, reject) => (this.reject = reject));
    // Whoever races it hears of it; nobody may be racing yet.
    this.promise.catch(() => {});
  }

  readonly fail = (error: Error): void => this.reject(error);
}
