/** "2026-11-22T18:45:00Z" */
export function isoTime(unixSec: number): string {
    return new Date(unixSec * 1000).toISOString().replace('.000Z', 'Z');
}
