/** Of texts that others wrote: whether it can be dialled at all. */
export function isDispatcherUrl(text: string): boolean {
    return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}
