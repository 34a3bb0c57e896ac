/** Tells the caller of a stream what happened; the text of a whole answer is gathered the same way. */
export type Emit = (type: string, fields: object) => void;

export interface ItemPlace {
    /** The item's identity in the stream. */
    id: string;
    outputIndex: number;
    emit: Emit;
}

/** One item of the output while it grows. `close` gives it as it stays. */
export interface OpenItem {
    readonly kind: string;
    close(status: 'completed' | 'incomplete'): object;
}

interface TextKind {
    /** For the item's id. */
    prefix: string;
    item: object;
    part: { type: string; field: string; more: object };
    event: string;
}

export const textKinds = {
    text: {
        prefix: 'msg',
        item: { type: 'message', role: 'assistant' },
        part: { type: 'output_text', field: 'text', more: { annotations: [] } },
        event: 'response.output_text',
    },
    refusal: {
        prefix: 'msg',
        item: { type: 'message', role: 'assistant' },
        part: { type: 'refusal', field: 'refusal', more: {} },
        event: 'response.refusal',
    },
    reasoning: {
        prefix: 'rs',
        item: { type: 'reasoning', summary: [] },
        part: { type: 'reasoning_text', field: 'text', more: {} },
        event: 'response.reasoning_text',
    },
} as const satisfies Record<string, TextKind>;
export type TextKindName = keyof typeof textKinds;

/** A message or a reasoning, with its one part of text. */
export class TextItem implements OpenItem {
    private readonly spelled: TextKind;
    private readonly logprobs: unknown[] = [];
    private text = '';

    constructor(
        readonly kind: TextKindName,
        private readonly place: ItemPlace,
    ) {
        this.spelled = textKinds[kind];
        const { outputIndex, emit } = place;
        emit('response.output_item.added', { output_index: outputIndex, item: this.item('in_progress', []) });
        emit('response.content_part.added', { ...this.at, part: this.part() });
    }

    push(delta: string, logprobs: readonly unknown[] = []): void {
        this.text += delta;
        this.logprobs.push(...logprobs);
        this.place.emit(`${this.spelled.event}.delta`, { ...this.at, delta, ...(this.isText && { logprobs }) });
    }

    close(status: 'completed' | 'incomplete'): object {
        const { outputIndex, emit } = this.place;
        const said = { [this.spelled.part.field]: this.text };
        emit(`${this.spelled.event}.done`, { ...this.at, ...said, ...(this.isText && { logprobs: this.logprobs }) });
        emit('response.content_part.done', { ...this.at, part: this.part() });
        const item = this.item(status, [this.part()]);
        emit('response.output_item.done', { output_index: outputIndex, item });
        return item;
    }

    private get isText(): boolean {
        return this.kind === 'text';
    }

    private get at(): object {
        return { item_id: this.place.id, output_index: this.place.outputIndex, content_index: 0 };
    }

    private item(status: string, content: object[]): object {
        return { id: this.place.id, ...this.spelled.item, status, content };
    }

    private part(): object {
        const { type, field, more } = this.spelled.part;
        return { type, [field]: this.text, ...more, ...(this.isText && { logprobs: [...this.logprobs] }) };
    }
}

/** A call of one of the caller's functions. */
export class CallItem implements OpenItem {
    readonly kind = 'call';
    private text = '';

    constructor(
        private readonly call: { callId: string; name: string },
        private readonly place: ItemPlace,
    ) {
        const { outputIndex, emit } = place;
        emit('response.output_item.added', { output_index: outputIndex, item: this.item('in_progress') });
    }

    push(delta: string): void {
        this.text += delta;
        this.place.emit('response.function_call_arguments.delta', { ...this.at, delta });
    }

    close(status: 'completed' | 'incomplete'): object {
        const { outputIndex, emit } = this.place;
        const { name } = this.call;
        emit('response.function_call_arguments.done', { ...this.at, name, arguments: this.text });
        const item = this.item(status);
        emit('response.output_item.done', { output_index: outputIndex, item });
        return item;
    }

    private get at(): object {
        return { item_id: this.place.id, output_index: this.place.outputIndex };
    }

    private item(status: string): object {
        const { callId, name } = this.call;
        return { id: this.place.id, type: 'function_call', status, call_id: callId, name, arguments: this.text };
    }
}
