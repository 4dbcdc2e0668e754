//! A checked expression, ready for evaluation: names are indices, operators and functions are resolved, and macros
//! are expanded.

use super::ExpressionError;
use super::Scope;
use super::fault::Kind;
use super::functions::{self, Function};
use super::operators::Operator;
use super::pattern::Pattern;
use super::value::{Bytes, Key, Text, Value};
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators as names};

#[derive(Debug)]
pub(super) enum Node {
    Literal(Value),
    /// A variable of the scope, by index.
    Variable(usize),
    /// A variable of a loop, by index among the enclosing loops.
    Local(usize),
    Select(Box<Node>, Key),
    /// `has(of.field)`.
    Has(Box<Node>, Key),
    /// `of.?field`
    Find(Box<Node>, Key),
    /// `of[?at]`
    FindAt(Box<Node>, Box<Node>),
    /// `or` and `orValue`.
    Otherwise(Function, Box<Node>, Box<Node>),
    /// A new local variable, and the node that is evaluated with it.
    Let(Box<Node>, Box<Node>),
    Index(Box<Node>, Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    If(Box<[Node; 3]>),
    Binary(Operator, Box<Node>, Box<Node>),
    Call(Function, Vec<Node>),
    /// With the rule's own pattern.
    Matches(Box<Node>, Box<Pattern>),
    List(Vec<Element>),
    Map(Vec<Entry>),
    Loop(Box<Node>, Box<Loop>),
}

/// An element of a list literal.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) node: Node,
    /// `[?x]`
    pub(super) optional: bool,
}

/// An entry of a map literal.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Node,
    pub(super) value: Node,
    /// `{?'key': x}`
    pub(super) optional: bool,
}

/// What a loop does with the elements of a list or the keys of a map.
#[derive(Debug)]
pub(super) enum Loop {
    All(Node),
    Exists(Node),
    ExistsOne(Node),
    /// `map` and `filter`.
    Collect {
        guard: Option<Node>,
        item: Node,
    },
}

/// Builds the tree of a checked expression. Errors: a construct that isn't supported.
pub(super) fn build(expression: &IdedExpr, scope: Scope) -> Result<Node, ExpressionError> {
    Builder { scope, locals: Vec::new() }.node(expression)
}

impl Node {
    /// Whether it is a literal or a plain path into the event, which is never an optional.
    pub(super) fn is_no_optional(&self) -> bool {
        match self {
            Self::Literal(_) | Self::Variable(_) => true,
            Self::Select(of, _) | Self::Index(of, _) => of.is_no_optional(),
            Self::Local(_)
            | Self::Has(..)
            | Self::Find(..)
            | Self::FindAt(..)
            | Self::Otherwise(..)
            | Self::Let(..)
            | Self::Not(_)
            | Self::Negate(_)
            | Self::And(..)
            | Self::Or(..)
            | Self::If(_)
            | Self::Binary(..)
            | Self::Call(..)
            | Self::Matches(..)
            | Self::List(_)
            | Self::Map(_)
            | Self::Loop(..) => false,
        }
    }
}

impl Node {
    /// Whether its value or a part of it may be a number computed by arithmetic. A condition doesn't count.
    pub(super) fn computes(&self) -> bool {
        match self {
            Self::Binary(operator, ..) => operator.is_arithmetic(),
            Self::Negate(of) => !matches!(**of, Self::Literal(_)),
            Self::Select(of, _) | Self::Find(of, _) | Self::Index(of, _) | Self::FindAt(of, _) => of.computes(),
            Self::Otherwise(_, one, other) | Self::Let(one, other) => one.computes() || other.computes(),
            Self::If(parts) => {
                let [_, yes, no] = &**parts;
                yes.computes() || no.computes()
            }
            Self::Call(_, parts) => parts.iter().any(Self::computes),
            Self::List(elements) => elements.iter().any(|element| element.node.computes()),
            Self::Map(entries) => entries.iter().any(|entry| entry.value.computes()),
            Self::Loop(over, body) => over.computes() || matches!(&**body, Loop::Collect { item, .. } if item.computes()),
            Self::Literal(_)
            | Self::Variable(_)
            | Self::Local(_)
            | Self::Has(..)
            | Self::Not(_)
            | Self::And(..)
            | Self::Or(..)
            | Self::Matches(..) => false,
        }
    }
}

/// Whether it is a comprehension without a list, which binds a name to a value. The parser makes it of `optMap`.
pub(super) fn is_let(comprehension: &ComprehensionExpr) -> bool {
    let over_nothing = matches!(&comprehension.iter_range.expr, Expr::List(list) if list.elements.is_empty());
    let changes_nothing = matches!(&comprehension.loop_step.expr, Expr::Ident(name) if *name == comprehension.accu_var);
    over_nothing && changes_nothing
}

fn no_optional(what: &str) -> ExpressionError {
    ExpressionError(format!(
        "{what} is for optionals, and a plain path isn't one: a missing place on it is an error; use .? or [?…], as in \
         data.?carrier.orValue('none')"
    ))
}

struct Builder {
    scope: Scope,
    /// The loops' variables, the innermost last.
    locals: Vec<String>,
}

fn not_offered(what: &str) -> ExpressionError {
    ExpressionError(format!("{what} isn't supported"))
}

impl Builder {
    fn node(&mut self, expression: &IdedExpr) -> Result<Node, ExpressionError> {
        Ok(match &expression.expr {
            Expr::Unspecified | Expr::Struct(_) => return Err(not_offered("a message")),
            Expr::Literal(literal) => Node::Literal(value(literal)),
            Expr::Ident(name) => self.name(name)?,
            Expr::Select(select) => {
                let (of, field) = (self.boxed(&select.operand)?, Key::Text(Text::given(&select.field)));
                if select.test { Node::Has(of, field) } else { Node::Select(of, field) }
            }
            Expr::Call(call) => self.call(call)?,
            Expr::List(list) => {
                let mut elements = Vec::new();
                for (place, element) in list.elements.iter().enumerate() {
                    let optional = list.optional_indices.contains(&place);
                    elements.push(Element { node: self.maybe(element, optional)?, optional });
                }
                Node::List(elements)
            }
            Expr::Map(map) => {
                let mut entries = Vec::new();
                for entry in &map.entries {
                    match &entry.expr {
                        EntryExpr::MapEntry(entry) => {
                            let (key, optional) = (self.node(&entry.key)?, entry.optional);
                            entries.push(Entry { key, value: self.maybe(&entry.value, optional)?, optional });
                        }
                        EntryExpr::StructField(_) => return Err(not_offered("a message")),
                    }
                }
                Node::Map(entries)
            }
            Expr::Comprehension(comprehension) => self.comprehension(comprehension)?,
        })
    }

    fn boxed(&mut self, expression: &IdedExpr) -> Result<Box<Node>, ExpressionError> {
        self.node(expression).map(Box::new)
    }

    /// An element or an entry, optional if it follows a question mark.
    fn maybe(&mut self, expression: &IdedExpr, optional: bool) -> Result<Node, ExpressionError> {
        let node = self.node(expression)?;
        if optional && node.is_no_optional() { Err(no_optional("a question mark before an element")) } else { Ok(node) }
    }

    /// The innermost variable or type with this name: a loop's, the scope's, a type.
    fn name(&self, name: &str) -> Result<Node, ExpressionError> {
        if let Some(local) = self.locals.iter().rposition(|local| local == name) {
            return Ok(Node::Local(local));
        }
        if let Some(variable) = self.scope.variables().iter().position(|variable| *variable == name) {
            return Ok(Node::Variable(variable));
        }
        let kind = Kind::ALL.iter().find(|kind| kind.name() == name);
        kind.map(|kind| Node::Literal(Value::Type(*kind))).ok_or_else(|| not_offered(name))
    }

    fn call(&mut self, call: &CallExpr) -> Result<Node, ExpressionError> {
        if call.target.is_none() {
            match (call.func_name.as_str(), call.args.as_slice()) {
                (names::LOGICAL_NOT, [value]) => return Ok(Node::Not(self.boxed(value)?)),
                (names::NEGATE, [value]) => return Ok(Node::Negate(self.boxed(value)?)),
                (names::LOGICAL_AND, [left, right]) => return Ok(Node::And(self.boxed(left)?, self.boxed(right)?)),
                (names::LOGICAL_OR, [left, right]) => return Ok(Node::Or(self.boxed(left)?, self.boxed(right)?)),
                (names::OPT_SELECT, [value, field]) => {
                    let of = self.boxed(value)?;
                    let Node::Literal(Value::Text(field)) = self.node(field)? else {
                        return Err(not_offered("a computed field"));
                    };
                    return Ok(Node::Find(of, Key::Text(field)));
                }
                (names::OPT_INDEX, [value, at]) => return Ok(Node::FindAt(self.boxed(value)?, self.boxed(at)?)),
                (names::INDEX, [value, at]) => return Ok(Node::Index(self.boxed(value)?, self.boxed(at)?)),
                (names::CONDITIONAL, [condition, yes, no]) => {
                    return Ok(Node::If(Box::new([self.node(condition)?, self.node(yes)?, self.node(no)?])));
                }
                (name, [left, right]) => {
                    if let Some((_, operator)) = Operator::ALL.iter().find(|(operator, _)| *operator == name) {
                        return Ok(Node::Binary(*operator, self.boxed(left)?, self.boxed(right)?));
                    }
                }
                _ => {}
            }
        }
        self.function(call)
    }

    fn function(&mut self, call: &CallExpr) -> Result<Node, ExpressionError> {
        let (name, target) = functions::called(call, |name| self.locals.iter().any(|local| local == name));
        let arguments = target.into_iter().chain(&call.args);
        let mut arguments = arguments.map(|argument| self.node(argument)).collect::<Result<Vec<_>, _>>()?;
        let function = match functions::find(&name, target.is_some(), arguments.len()) {
            Some(Ok(function)) => function,
            Some(Err(how)) => return Err(ExpressionError(how)),
            None => return Err(not_offered(&name)),
        };
        if function.is_of_optionals() && arguments.first().is_some_and(Node::is_no_optional) {
            return Err(no_optional(&name));
        }
        if matches!(function, Function::Or | Function::OrValue)
            && let Some(other) = arguments.pop()
            && let Some(of) = arguments.pop()
        {
            return Ok(Node::Otherwise(function, Box::new(of), Box::new(other)));
        }
        if function == Function::Matches
            && let Some(Node::Literal(Value::Text(text))) = arguments.get(1)
        {
            let pattern = Pattern::of_a_rule(text.as_str())
                .ok_or_else(|| ExpressionError(format!("{:?} is not a regular expression, or is too large", text.as_str())))?;
            return Ok(Node::Matches(Box::new(arguments.swap_remove(0)), Box::new(pattern)));
        }
        Ok(Node::Call(function, arguments))
    }

    /// The parser's expansion of `all`, `exists`, `exists_one`, `map` and `filter`, and of `optMap` and `optFlatMap`.
    fn comprehension(&mut self, comprehension: &ComprehensionExpr) -> Result<Node, ExpressionError> {
        if comprehension.iter_var2.is_some() {
            return Err(not_offered("a loop with two variables"));
        }
        if is_let(comprehension) {
            let value = self.boxed(&comprehension.accu_init)?;
            self.locals.push(comprehension.accu_var.clone());
            let body = self.boxed(&comprehension.result);
            self.locals.pop();
            return Ok(Node::Let(value, body?));
        }
        let over = self.boxed(&comprehension.iter_range)?;
        self.locals.push(comprehension.iter_var.clone());
        let body = self.body(comprehension);
        self.locals.pop();
        Ok(Node::Loop(over, Box::new(body?)))
    }

    fn body(&mut self, comprehension: &ComprehensionExpr) -> Result<Loop, ExpressionError> {
        let is_result = |e: &IdedExpr| matches!(&e.expr, Expr::Ident(name) if *name == comprehension.accu_var);
        let unknown = || not_offered("a loop of this kind");
        let Expr::Call(step) = &comprehension.loop_step.expr else { return Err(unknown()) };
        match (step.func_name.as_str(), step.args.as_slice()) {
            (names::LOGICAL_AND, [result, holds]) if is_result(result) => Ok(Loop::All(self.node(holds)?)),
            (names::LOGICAL_OR, [result, holds]) if is_result(result) => Ok(Loop::Exists(self.node(holds)?)),
            (names::ADD, [result, item]) if is_result(result) => {
                let item = only(item).ok_or_else(unknown)?;
                Ok(Loop::Collect { guard: None, item: self.node(item)? })
            }
            (names::CONDITIONAL, [guard, step, result]) if is_result(result) => match &step.expr {
                Expr::Call(add) if add.func_name == names::ADD => match add.args.as_slice() {
                    [result, item] if is_result(result) => match only(item) {
                        Some(item) => Ok(Loop::Collect { guard: Some(self.node(guard)?), item: self.node(item)? }),
                        None => Ok(Loop::ExistsOne(self.node(guard)?)),
                    },
                    _ => Err(unknown()),
                },
                Expr::Unspecified
                | Expr::Call(_)
                | Expr::Comprehension(_)
                | Expr::Ident(_)
                | Expr::List(_)
                | Expr::Literal(_)
                | Expr::Map(_)
                | Expr::Select(_)
                | Expr::Struct(_) => Err(unknown()),
            },
            _ => Err(unknown()),
        }
    }
}

/// The element of a list with exactly one.
fn only(list: &IdedExpr) -> Option<&IdedExpr> {
    match &list.expr {
        Expr::List(list) => list.elements.first().filter(|_| list.elements.len() == 1),
        Expr::Unspecified
        | Expr::Call(_)
        | Expr::Comprehension(_)
        | Expr::Ident(_)
        | Expr::Literal(_)
        | Expr::Map(_)
        | Expr::Select(_)
        | Expr::Struct(_) => None,
    }
}

fn value(literal: &LiteralValue) -> Value {
    match literal {
        LiteralValue::Boolean(b) => Value::Bool(*b.inner()),
        LiteralValue::Bytes(bytes) => Value::Bytes(Bytes::given(bytes.inner())),
        LiteralValue::Double(n) => Value::Double(*n.inner()),
        LiteralValue::Int(n) => Value::Int(*n.inner()),
        LiteralValue::Null => Value::Null,
        LiteralValue::String(text) => Value::Text(Text::given(text.inner())),
        LiteralValue::UInt(n) => Value::Uint(*n.inner()),
    }
}
