//! Stacks, and the cotangents of function values.
//!
//! A **stack** holds values of one type; below its last item lie zeros without end, so popping
//! always succeeds. A stack's cotangent is a stack of cotangents aligned with it at the top, which
//! makes `push` and `pop` each other's rules. Items that carry no sensitivity have the empty
//! tuple as cotangent.
//!
//! An **env** is the cotangent of a function value: one field per capture of whatever its code
//! is. Its fields are read by [`ENV_GET`] alone, which knows their types; so a field that is zero
//! need not be stored. Absent fields, and fields that are `Value::Env(None)`, are zeros of the
//! type that the reader states.

use super::support::{attributes, extents, take};
use super::{Attrs, PrimDef};
use crate::builder::Expr;
use crate::types::Type;
use crate::value::{Fields, Stack, Value};

/// `push(stack, x)`: the stack with `x` on top.
pub static PUSH: PrimDef = PrimDef {
    name: "push",
    about: "The stack with a value on top.",
    ty: |_, types| {
        let [stack, item] = operands(types)?;
        if item_type(stack)? != item {
            return Err(format!("a value of type {item} cannot be pushed on a {stack}"));
        }
        Ok(stack.clone())
    },
    eval: |_, args, _| {
        let Value::Stack(mut stack) = take(&mut args[0]) else { panic!("push on what is no stack") };
        stack.push(take(&mut args[1]));
        Ok(Value::Stack(stack))
    },
    vjp: Some(|_, _, _, dy| {
        let popped = dy.apply(&POP, &[], &[]);
        vec![Some(popped.get(0)), Some(popped.get(1))]
    }),
};

/// `pop(stack)`: the stack without its top, and the top, which is zero for the empty stack.
pub static POP: PrimDef = PrimDef {
    name: "pop",
    about: "The stack without its top, and the top: zero if the stack is empty.",
    ty: |_, types| {
        let [stack] = operands(types)?;
        Ok(Type::tuple([stack.clone(), item_type(stack)?.clone()]))
    },
    eval: |_, args, ty| {
        let Value::Stack(mut stack) = take(&mut args[0]) else { panic!("pop of what is no stack") };
        let top = stack.pop().unwrap_or_else(|| Value::zero(&ty.as_tuple().expect("stack and item")[1]));
        Ok(Value::tuple(vec![Value::Stack(stack), top]))
    },
    vjp: Some(|_, _, _, dy| vec![Some(dy.get(0).apply(&PUSH, &[], &[dy.get(1)]))]),
};

/// `stack_add(a, b)`: the sum of two stacks of cotangents aligned at the top.
pub static STACK_ADD: PrimDef = PrimDef {
    name: "stack_add",
    about: "The sum of two stacks aligned at the top.",
    ty: |_, types| {
        let [a, b] = operands(types)?;
        item_type(a)?;
        if a == b { Ok(a.clone()) } else { Err(format!("a {a} and a {b} have no sum")) }
    },
    eval: |_, args, _| Ok(sum(take(&mut args[0]), take(&mut args[1]))),
    vjp: Some(|_, _, _, dy| vec![Some(dy), Some(dy)]),
};

/// `env_make(fields…)`: an env of these fields.
pub static ENV_MAKE: PrimDef = PrimDef {
    name: "env_make",
    about: "The cotangent of a function value, from those of its captures.",
    ty: |_, _| Ok(Type::Env),
    eval: |_, args, _| Ok(Value::Env(Some(Fields::new(args.iter_mut().map(take).collect())))),
    vjp: Some(|_, args, _, dy| {
        let field = |(i, arg): (usize, &Expr<'_>)| {
            let ty = arg.ty().cotangent();
            ty.is_differentiable().then(|| dy.env_get(i, ty))
        };
        args.iter().enumerate().map(field).collect()
    }),
};

/// `env_get[i](env)`: field i. The result has the type of the capture's cotangent, which an env
/// does not tell: it is stated by whoever builds the node, with
/// [`Expr::env_get`](crate::builder::Expr::env_get) or [`Builder::emit`](crate::builder::Builder::emit).
pub static ENV_GET: PrimDef = PrimDef {
    name: "env_get",
    about: "A field of the cotangent of a function value, of a stated type; attribute: its index.",
    ty: |_, _| Err("stated".into()),
    eval: |attrs, args, ty| {
        let Value::Env(fields) = take(&mut args[0]) else { panic!("env_get of what is no env") };
        let field = fields.and_then(|fields| fields.as_slice().get(attrs[0] as usize).cloned());
        Ok(match field {
            None | Some(Value::Env(None)) => Value::zero(ty),
            Some(field) => field,
        })
    },
    vjp: Some(|attrs, _, _, dy| vec![Some(dy.apply(&ENV_PUT, attrs, &[]))]),
};

/// `env_put[i](x)`: the env whose field i is x and whose other fields are zero.
pub static ENV_PUT: PrimDef = PrimDef {
    name: "env_put",
    about: "The cotangent of a function value that is zero but for one field; attribute: its index.",
    ty: |attrs, types| {
        operands::<1>(types)?;
        extents(&attributes::<1>(attrs)?)?;
        Ok(Type::Env)
    },
    eval: |attrs, args, _| {
        let mut fields = vec![Value::Env(None); attrs[0] as usize];
        fields.push(take(&mut args[0]));
        Ok(Value::Env(Some(Fields::new(fields))))
    },
    vjp: Some(|attrs, args, _, dy| {
        let ty = args[0].ty().cotangent();
        vec![ty.is_differentiable().then(|| dy.env_get(attrs[0] as usize, ty))]
    }),
};

/// `env_add(a, b)`: the sum of two envs, field by field.
pub static ENV_ADD: PrimDef = PrimDef {
    name: "env_add",
    about: "The sum of two cotangents of a function value.",
    ty: |_, types| match operands(types)? {
        [Type::Env, Type::Env] => Ok(Type::Env),
        [a, b] => Err(format!("{a} and {b} are not both the cotangent of a function value")),
    },
    eval: |_, args, _| Ok(sum(take(&mut args[0]), take(&mut args[1]))),
    vjp: Some(|_, _, _, dy| vec![Some(dy), Some(dy)]),
};

fn operands<'t, const N: usize>(types: &[&'t Type]) -> Result<[&'t Type; N], String> {
    types.try_into().map_err(|_| format!("{N} operands were expected, not {}", types.len()))
}

fn item_type(stack: &Type) -> Result<&Type, String> {
    match stack {
        Type::Stack(item) => Ok(item),
        other => Err(format!("a stack was expected, not {other}")),
    }
}

/// What a sum of records is put back into.
enum Whole {
    Tuple,
    Env,
    Stack,
}

/// Two items to add; a missing one is zero.
type Pair = (Option<Value>, Option<Value>);

/// A sum of records under way: the pairs still to be added, last first, and the sums so far.
struct Frame {
    whole: Whole,
    todo: Vec<Pair>,
    done: Vec<Value>,
}

/// The sum of two cotangents of one type. Records nest as deep as a program recurses, so the walk
/// keeps its own stack. Arrays that nobody else holds are added to in place.
fn sum(a: Value, b: Value) -> Value {
    let mut frames: Vec<Frame> = Vec::new();
    let mut pair = (Some(a), Some(b));
    loop {
        let mut done = match add(pair) {
            Ok(value) => Some(value),
            Err(frame) => {
                frames.push(frame);
                None
            }
        };
        pair = loop {
            let Some(frame) = frames.last_mut() else {
                return done.expect("a sum");
            };
            frame.done.extend(done.take());
            match frame.todo.pop() {
                Some(next) => break next,
                None => done = frames.pop().map(Frame::close),
            }
        };
    }
}

/// The sum of two leaves, or the frame in which two records are added.
fn add(pair: Pair) -> Result<Value, Frame> {
    let (a, b) = match pair {
        (a, None | Some(Value::Env(None))) => return Ok(a.unwrap_or(Value::Env(None))),
        (None | Some(Value::Env(None)), Some(b)) => return Ok(b),
        (Some(a), Some(b)) => (a, b),
    };
    match (a, b) {
        (Value::Tuple(a), Value::Tuple(b)) => Err(Frame::of_fields(Whole::Tuple, a, b)),
        (Value::Env(Some(a)), Value::Env(Some(b))) => Err(Frame::of_fields(Whole::Env, a, b)),
        (Value::Stack(a), Value::Stack(b)) => Err(Frame::of_stacks(a, b)),
        (a, b) => {
            let ty = a.tensor_type().unwrap_or_else(|| panic!("{a:?} and {b:?} have no sum"));
            Ok((super::ADD.eval)(&Attrs::new(), &mut [a, b], &ty).expect("floats of one shape add"))
        }
    }
}

impl Frame {
    fn of_fields(whole: Whole, a: Fields, b: Fields) -> Self {
        let mut todo = padded(a.into_vec(), b.into_vec());
        todo.reverse();
        Self { whole, done: Vec::with_capacity(todo.len()), todo }
    }

    fn of_stacks(mut a: Stack, mut b: Stack) -> Self {
        let from_top = |stack: &mut Stack| std::iter::from_fn(|| stack.pop()).collect();
        let todo = padded(from_top(&mut a), from_top(&mut b));
        Self { whole: Whole::Stack, done: Vec::with_capacity(todo.len()), todo }
    }

    fn close(self) -> Value {
        match self.whole {
            Whole::Tuple => Value::tuple(self.done),
            Whole::Env => Value::Env(Some(Fields::new(self.done))),
            Whole::Stack => {
                let mut stack = Stack::new();
                self.done.into_iter().for_each(|item| stack.push(item));
                Value::Stack(stack)
            }
        }
    }
}

/// Pairs of items at equal positions; the shorter list is made up with zeros.
fn padded(a: Vec<Value>, b: Vec<Value>) -> Vec<Pair> {
    let length = a.len().max(b.len());
    let endless = |items: Vec<Value>| items.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
    endless(a).zip(endless(b)).take(length).collect()
}
