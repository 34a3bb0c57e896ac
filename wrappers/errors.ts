/** Stable codes of what a caller can get wrong about signed statements and settlement cells. */
export type StatementErrorCode =
    | 'statement_field_invalid'
    | 'statement_out_of_range'
    | 'statement_wrong_length'
    | 'settlement_empty'
    | 'settlement_too_many_lines'
    | 'settlement_malformed';

/** A statement (receipt, cap, settlement line) cannot be encoded or decoded as asked; fixing the input is the only cure. */
export class StatementError extends Error {
    override readonly name = 'StatementError';

    constructor(
        readonly code: StatementErrorCode,
        message: string,
    ) {
        super(message);
    }
}
