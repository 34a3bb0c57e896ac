/** Which node served which conversation last. In memory only, and bounded: the conversations used last stay. */
export class StickyNodes {
    private readonly nodeOf = new Map<string, string>();

    constructor(private readonly maxConversations = 50_000) {}

    get(conversation: string | undefined): string | undefined {
        return conversation === undefined ? undefined : this.nodeOf.get(conversation);
    }

    set(conversation: string | undefined, nodeId: string): void {
        if (conversation === undefined) return;
        this.nodeOf.delete(conversation);
        this.nodeOf.set(conversation, nodeId);
        if (this.nodeOf.size > this.maxConversations) this.nodeOf.delete(this.nodeOf.keys().next().value!);
    }
}
