/** Stable codes of what a caller can get wrong about signed statements and settlement cells. */
export type StatementErrorCode =
    | 'statement_field_invalid'
    | 'statement_out_of_range'
    | 'statement_wrong_length'
    | 'settlement_empty'
    | 'settlement_too_many_lines'
    | 'settlement_malformed'
    | 'signature_malformed'
    | 'signature_high_s'
    | 'signature_wrong';

/** A statement (receipt, cap, settlement line) or a signature cannot be encoded, decoded or accepted as asked; fixing the input is the only cure. */
export class StatementError extends Error {
    override readonly name = 'StatementError';

    constructor(
        readonly code: StatementErrorCode,
        message: string,
    ) {
        super(message);
    }
}
