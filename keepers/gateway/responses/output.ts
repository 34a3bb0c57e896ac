import { CallItem, type Emit, type OpenItem, TextItem, type TextKindName, textKinds } from './output-items';

export interface ToolCallDelta {
    index?: number;
    id?: string | null;
    function?: { name?: string | null; arguments?: string | null } | null;
}

/** What one event of a chat's stream adds; a whole message has the same fields. */
export interface ChatDelta {
    content?: string | null;
    refusal?: string | null;
    /** vLLM, SGLang and llama.cpp name it the one way, newer vLLM and Ollama the other. */
    reasoning_content?: string | null;
    reasoning?: string | null;
    tool_calls?: ToolCallDelta[] | null;
}

type ItemStatus = 'completed' | 'incomplete';

/** The output of a response, made of the pieces of one chat choice: at most one item is open at a time. */
export class Output {
    readonly items: object[] = [];
    private open: { item: OpenItem; callIndex?: number } | undefined;

    constructor(
        private readonly suffix: string,
        private readonly emit: Emit,
    ) {}

    add(delta: ChatDelta, logprobs: readonly unknown[] = []): void {
        this.addText('reasoning', delta.reasoning_content ?? delta.reasoning);
        this.addText('text', delta.content, logprobs);
        this.addText('refusal', delta.refusal);
        delta.tool_calls?.forEach((call, place) => this.addCall(call, call.index ?? place));
    }

    close(status: ItemStatus): void {
        if (this.open === undefined) return;
        this.items.push(this.open.item.close(status));
        this.open = undefined;
    }

    private addText(kind: TextKindName, text: string | null | undefined, logprobs: readonly unknown[] = []): void {
        if (text === undefined || text === null || (text === '' && logprobs.length === 0)) return;
        const current = this.open?.item;
        if (current instanceof TextItem && current.kind === kind) return current.push(text, logprobs);
        this.close('completed');
        const item = new TextItem(kind, this.place(textKinds[kind].prefix));
        this.open = { item };
        item.push(text, logprobs);
    }

    private addCall(call: ToolCallDelta, callIndex: number): void {
        const current = this.open;
        const text = call.function?.arguments ?? '';
        if (current?.item instanceof CallItem && current.callIndex === callIndex) {
            if (text !== '') current.item.push(text);
            return;
        }
        this.close('completed');
        const place = this.place('fc');
        const item = new CallItem({ callId: call.id ?? `call_${place.id}`, name: call.function?.name ?? '' }, place);
        this.open = { item, callIndex };
        if (text !== '') item.push(text);
    }

    private place(prefix: string) {
        const outputIndex = this.items.length;
        return { id: `${prefix}_${this.suffix}${outputIndex}`, outputIndex, emit: this.emit };
    }
}
