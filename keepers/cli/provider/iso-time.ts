/** 2026-11-23T01:02:03Z */
export function isoTime(unixSec: number): string {
    return `${new Date(unixSec * 1000).toISOString().slice(0, 19)}Z`;
}
