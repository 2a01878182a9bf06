export async function liveDifferences(): Promise<{ compared: number; differences: string[] }> {
  return { compared: 0, differences: [] };
}
