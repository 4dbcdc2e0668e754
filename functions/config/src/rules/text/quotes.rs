//! Where the quotes of an expression are.

/// The characters of CEL that stand outside of quotes, with their places.
pub(super) fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote: Option<(char, bool)> = None;
    let mut escaped = false;
    let mut before = ' ';
    text.char_indices().filter(move |(_, c)| {
        let is_inside = quote.is_some();
        match quote {
            Some((_, raw)) if escaped && !raw => escaped = false,
            Some((sign, _)) if *c == sign => quote = None,
            Some(_) => escaped = *c == '\\',
            None if *c == '\'' || *c == '"' => quote = Some((*c, before == 'r' || before == 'R')),
            None => {}
        }
        before = *c;
        !is_inside && quote.is_none()
    })
}
