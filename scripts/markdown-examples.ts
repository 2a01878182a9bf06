const EXAMPLE = /```ts\n([\s\S]*?)```(?:\n\n```text\n([\s\S]*?)```)?/g;

export interface MarkdownExample {
  readonly program: string;
  /** What stands below it as its output. */
  readonly output: string;
}

/**
 * The examples of a page, in their order. An example with a word behind its language (```ts transactions) needs more than
 * a broker, and is none of them.
 */
export function markdownExamples(page: string): readonly MarkdownExample[] {
  return [...page.matchAll(EXAMPLE)].map(([, program = '', output = '']) => ({ program, output }));
}
