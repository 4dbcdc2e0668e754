//! Checks of an expression, before any event.

use super::fault::Kind;
use super::{ExpressionError, Scope, functions, tree};
use cel::ParseErrors;
use cel::common::ast::{EntryExpr, Expr, IdedExpr};
use tidings_config::limits::{
    MAX_EXPRESSION_BRACKETS, MAX_EXPRESSION_BYTES, MAX_EXPRESSION_CONDITIONS, MAX_EXPRESSION_LOOPS, MAX_EXPRESSION_NODES,
};

pub(super) fn length(text: &str) -> Result<(), ExpressionError> {
    match text.len() {
        0 => Err(ExpressionError("an empty expression".to_owned())),
        n if n > MAX_EXPRESSION_BYTES => {
            Err(ExpressionError(format!("the expression has {n} bytes, allowed: {MAX_EXPRESSION_BYTES}")))
        }
        _ => Ok(()),
    }
}

/// Checks the nesting before parsing: the parser is recursive, and a thread's stack is finite. Brackets in texts
/// count as well; a pattern with so many is rare.
pub(super) fn nesting(text: &str) -> Result<(), ExpressionError> {
    let (mut open, mut deepest) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    let conditions = text.match_indices('?').filter(|(at, _)| !is_optional(&text[..*at])).count();
    for (what, seen, allowed) in [
        ("levels of brackets", deepest, MAX_EXPRESSION_BRACKETS),
        ("conditions with a question mark", conditions, MAX_EXPRESSION_CONDITIONS),
    ] {
        if seen > allowed {
            return Err(ExpressionError(format!("the expression has {seen} {what}, allowed: {allowed}")));
        }
    }
    Ok(())
}

/// Whether the question mark after `before` belongs to an optional: `a.?b`, `a[?b]`, `[?a, ?b]`, `{?'a': b}`. That of
/// a conditional follows a value or a line break, after which a comment may have ended.
fn is_optional(before: &str) -> bool {
    before.trim_end_matches([' ', '\t']).ends_with(['.', '[', '{', ','])
}

/// The parser's own message lists token names; the position is more helpful.
pub(super) fn syntax(text: &str, errors: &ParseErrors) -> ExpressionError {
    if errors.errors.iter().any(|error| error.msg.contains("argument to has()")) {
        return ExpressionError(
            "has(…) asks for a plain path, as has(data.a.b), and is false where anything on it is missing; of an optional, hasValue() \
             tells"
                .to_owned(),
        );
    }
    let column = errors.errors.first().map_or(1, |e| e.pos.1);
    ExpressionError(format!("syntax error at character {column} of {text:?}; a text needs quotes of its own: \"'paid'\""))
}

/// Checks names and cost. Returns the number of nodes, and whether there is a loop.
pub(super) fn expression(expression: &IdedExpr, scope: Scope) -> Result<(usize, bool), ExpressionError> {
    let mut seen = Seen { nodes: 0, loops: false, scope };
    seen.walk(expression, 0, &mut Vec::new())?;
    if seen.nodes > MAX_EXPRESSION_NODES {
        return Err(ExpressionError(format!("the expression has {} nodes, allowed: {MAX_EXPRESSION_NODES}", seen.nodes)));
    }
    Ok((seen.nodes, seen.loops))
}

struct Seen {
    nodes: usize,
    loops: bool,
    scope: Scope,
}

impl Seen {
    /// `bound`: the variables of the enclosing loops.
    fn walk(&mut self, expression: &IdedExpr, depth: usize, bound: &mut Vec<String>) -> Result<(), ExpressionError> {
        self.nodes += 1;
        match &expression.expr {
            Expr::Unspecified | Expr::Literal(_) => {}
            Expr::Ident(name) => variable(name, self.scope, bound)?,
            Expr::Select(select) => self.walk(&select.operand, depth, bound)?,
            Expr::Call(call) => {
                let (name, target) = functions::called(call, |name| bound.iter().any(|b| b == name));
                function(&name)?;
                for argument in target.into_iter().chain(&call.args) {
                    self.walk(argument, depth, bound)?;
                }
            }
            Expr::List(list) => {
                for element in &list.elements {
                    self.walk(element, depth, bound)?;
                }
            }
            Expr::Map(map) => {
                for entry in &map.entries {
                    match &entry.expr {
                        EntryExpr::MapEntry(entry) => {
                            self.walk(&entry.key, depth, bound)?;
                            self.walk(&entry.value, depth, bound)?;
                        }
                        EntryExpr::StructField(field) => self.walk(&field.value, depth, bound)?,
                    }
                }
            }
            Expr::Struct(_) => {
                return Err(ExpressionError(
                    "message literals aren't supported; allowed: texts, numbers, lists, maps".to_owned(),
                ));
            }
            Expr::Comprehension(comprehension) if tree::is_let(comprehension) => {
                self.walk(&comprehension.accu_init, depth, bound)?;
                bound.push(comprehension.accu_var.clone());
                self.walk(&comprehension.result, depth, bound)?;
                bound.pop();
            }
            Expr::Comprehension(comprehension) => {
                self.loops = true;
                if depth == MAX_EXPRESSION_LOOPS {
                    return Err(ExpressionError(format!("nested loops, allowed: {MAX_EXPRESSION_LOOPS} level")));
                }
                self.walk(&comprehension.iter_range, depth, bound)?;
                let before = bound.len();
                bound.extend([comprehension.iter_var.clone(), comprehension.accu_var.clone()]);
                bound.extend(comprehension.iter_var2.clone());
                for part in [&comprehension.accu_init, &comprehension.loop_cond, &comprehension.loop_step, &comprehension.result]
                {
                    self.walk(part, depth + 1, bound)?;
                }
                bound.truncate(before);
            }
        }
        Ok(())
    }
}

fn variable(name: &str, scope: Scope, bound: &[String]) -> Result<(), ExpressionError> {
    // The macros' own variables begin with '@'. Types are names as well: type(data.x) == string.
    let is_type = Kind::ALL.iter().any(|kind| *kind != Kind::Type && kind.name() == name);
    if name.starts_with('@') || scope.variables().contains(&name) || is_type || bound.iter().any(|b| b == name) {
        Ok(())
    } else if name == "facts" {
        Err(ExpressionError(
            "facts can't be used here: an event's effects depend on the event alone, so that they are the same in every order \
             of arrival; only a text may use them, as in {facts.carrier|soon}"
                .to_owned(),
        ))
    } else if scope == Scope::Event && name == "fetched" {
        Err(ExpressionError("no object is fetched here; give the rule an `enrich`, or use `fetched` outside `when`".to_owned()))
    } else if scope == Scope::Join && Scope::Event.variables().contains(&name) {
        Err(ExpressionError(format!(
            "unknown name {name:?}, allowed: {}; several events complete a join, so it has no single event: let their own \
             rules set facts",
            scope.variables().join(", ")
        )))
    } else {
        Err(ExpressionError(format!(
            "unknown name {name:?}, allowed: {}; a text needs quotes of its own: \"'{name}'\"",
            scope.variables().join(", ")
        )))
    }
}

fn function(name: &str) -> Result<(), ExpressionError> {
    // Operators are calls as well: _+_, !_, -_, _?_:_, _[_], @in, @not_strictly_false.
    if name.starts_with('@') || name.contains('_') || functions::names().any(|known| known == name) {
        Ok(())
    } else {
        let known = functions::names().collect::<Vec<_>>().join(", ");
        Err(ExpressionError(format!("unknown function {name:?}, allowed: {known}")))
    }
}
