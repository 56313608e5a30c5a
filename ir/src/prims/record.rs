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

use super::support::{attributes, extents};
use super::{Args, Attrs, Prim, PrimDef};
use crate::batch::{Aligned, BatchRule, Mask};
use crate::builder::Expr;
use crate::types::{Elem, Type};
use crate::value::{Fields, Stack, Value};
use crate::verify::STATED;

/// The primitives of stacks and envs: each is linear in what these hold, so the tangent of its value is what it makes of
/// tangents.
pub const RECORDS: &[&PrimDef] =
    &[&PUSH, &POP, &STACK_ADD, &ENV_MAKE, &ENV_GET, &ENV_PUT, &ENV_ADD, &REPLICATE, &TOTAL];

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
        let Value::Stack(mut stack) = args.take(0) else { panic!("push on what is no stack") };
        stack.push(args.take(1));
        Ok(Value::Stack(stack))
    },
    batch: BatchRule::Records(push_masks),
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
        let Value::Stack(mut stack) = args.take(0) else { panic!("pop of what is no stack") };
        let top = stack.pop().unwrap_or_else(|| Value::zero(&ty.as_tuple().expect("stack and item")[1]));
        Ok(Value::tuple(vec![Value::Stack(stack), top]))
    },
    batch: BatchRule::Records(pop_masks),
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
    eval: |_, args, _| Ok(sum(args.take(0), args.take(1))),
    batch: BatchRule::Records(stack_add_masks),
    vjp: Some(|_, _, _, dy| vec![Some(dy), Some(dy)]),
};

/// `env_make(fields…)`: an env of these fields.
pub static ENV_MAKE: PrimDef = PrimDef {
    name: "env_make",
    about: "The cotangent of a function value, from those of its captures.",
    ty: |_, _| Ok(Type::Env),
    eval: |_, args, _| Ok(Value::Env(Some(Fields::new((0..args.len()).map(|i| args.take(i)).collect())))),
    batch: BatchRule::Records(env_make_masks),
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
    ty: |_, _| Err(STATED.into()),
    eval: |attrs, args, ty| {
        let Value::Env(fields) = &args[0] else { panic!("env_get of what is no env") };
        let field = fields.as_ref().and_then(|fields| fields.as_slice().get(attrs[0] as usize).cloned());
        Ok(match field {
            None | Some(Value::Env(None)) => Value::zero(ty),
            Some(field) => field,
        })
    },
    batch: BatchRule::Records(env_get_masks),
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
        fields.push(args.take(0));
        Ok(Value::Env(Some(Fields::new(fields))))
    },
    batch: BatchRule::Records(env_put_masks),
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
    eval: |_, args, _| Ok(sum(args.take(0), args.take(1))),
    batch: BatchRule::Records(env_add_masks),
    vjp: Some(|_, _, _, dy| vec![Some(dy), Some(dy)]),
};

/// `replicate[count, axis](x)`: any value with each of its tensors repeated `count` times along a new
/// axis.
pub static REPLICATE: PrimDef = PrimDef {
    name: "replicate",
    about: "Any value with its tensors repeated along a new axis; attributes: how often, the axis.",
    ty: |attrs, types| {
        let [ty] = operands(types)?;
        let [count, axis] = extents(&attributes::<2>(attrs)?)?[..] else { unreachable!("two attributes") };
        map_tensors(ty, &|elem, shape| {
            let (before, after) = shape.split_at_checked(axis).ok_or("a tensor has too few axes")?;
            Ok(Type::tensor(elem, &[before, &[count], after].concat()))
        })
    },
    eval: |attrs, args, _| {
        let [count, axis] = [attrs[0] as usize, attrs[1] as usize];
        Ok(map_values(args.take(0), &|x| {
            let ty = x.tensor_type().expect("a tensor");
            let (before, after) = ty.shape().split_at(axis);
            let thin = Type::tensor(Elem::F64, &[before, &[1], after].concat());
            let full = Type::tensor(Elem::F64, &[before, &[count], after].concat());
            let x = (super::RESHAPE.eval)(&Attrs::new(), &mut Args::new(&mut [x]), &thin).expect("as many elements");
            (super::BROADCAST_TO.eval)(&Attrs::new(), &mut Args::new(&mut [x]), &full)
                .expect("an axis of length 1 broadcasts")
        }))
    },
    batch: BatchRule::Records(whole_masks),
    vjp: Some(|attrs, _, _, dy| vec![Some(dy.apply(&TOTAL, attrs, &[]))]),
};

/// `total[count, axis](x)`: any cotangent with each of its tensors summed over an axis of this length;
/// the transpose of `replicate`.
pub static TOTAL: PrimDef = PrimDef {
    name: "total",
    about: "Any cotangent with its tensors summed over an axis; attributes: its length, the axis.",
    ty: |attrs, types| {
        let [ty] = operands(types)?;
        let [count, axis] = extents(&attributes::<2>(attrs)?)?[..] else { unreachable!("two attributes") };
        map_tensors(ty, &|elem, shape| {
            if elem != Elem::F64 || shape.get(axis) != Some(&count) {
                return Err(format!("axis {axis} of a tensor of shape {shape:?} cannot be summed"));
            }
            Ok(Type::tensor(elem, &[&shape[..axis], &shape[axis + 1..]].concat()))
        })
    },
    eval: |attrs, args, _| {
        Ok(map_values(args.take(0), &|x| {
            let ty = x.tensor_type().expect("a tensor");
            (super::SUM.eval)(&attrs[1..].into(), &mut Args::new(&mut [x]), &ty).expect("an axis of the tensor")
        }))
    },
    batch: BatchRule::Records(whole_masks),
    vjp: Some(|attrs, _, _, dy| vec![Some(dy.apply(&REPLICATE, attrs, &[]))]),
};

/// A tensor type from another.
type Replace<'f> = dyn Fn(Elem, &[usize]) -> Result<Type, String> + 'f;

/// A type with its tensors replaced.
fn map_tensors(ty: &Type, each: &Replace<'_>) -> Result<Type, String> {
    Ok(match ty {
        Type::Tensor(elem, shape) => each(*elem, shape)?,
        Type::Tuple(items) => Type::Tuple(items.iter().map(|ty| map_tensors(ty, each)).collect::<Result<_, _>>()?),
        Type::Stack(item) => Type::stack(map_tensors(item, each)?),
        Type::Env => Type::Env,
        Type::Fn(_) | Type::Unknown => return Err(format!("{ty} is not made of tensors")),
    })
}

/// Stack that records in records may need, and how much is added at a time.
const RED_ZONE: usize = 64 << 10;
const STACK: usize = 4 << 20;

/// A value with its tensors replaced.
fn map_values(value: Value, each: &dyn Fn(Value) -> Value) -> Value {
    let all = |items: Vec<Value>| -> Vec<Value> {
        stacker::maybe_grow(RED_ZONE, STACK, || items.into_iter().map(|v| map_values(v, each)).collect())
    };
    match value {
        Value::Tuple(fields) => Value::tuple(all(fields.into_vec())),
        Value::Env(fields) => Value::Env(fields.map(|fields| Fields::new(all(fields.into_vec())))),
        Value::Stack(stack) => {
            let mut mapped = Stack::new();
            all(stack.to_vec()).into_iter().for_each(|item| mapped.push(item));
            Value::Stack(mapped)
        }
        tensor => each(tensor),
    }
}

fn push_masks(prim: &Prim, _: &[&Type], masks: &[Mask], _: &Type) -> Aligned {
    let item = masks[0].item(0).join(&masks[1]);
    let stack = Mask::items(vec![item.clone()]);
    Aligned::new(prim, vec![stack.clone(), item], stack)
}

fn pop_masks(prim: &Prim, _: &[&Type], masks: &[Mask], _: &Type) -> Aligned {
    Aligned::new(prim, masks.to_vec(), Mask::items(vec![masks[0].clone(), masks[0].item(0)]))
}

fn stack_add_masks(prim: &Prim, _: &[&Type], masks: &[Mask], _: &Type) -> Aligned {
    let both = masks[0].join(&masks[1]);
    Aligned::new(prim, vec![both.clone(), both.clone()], both)
}

/// An env has the axis in all fields or in none.
fn env_make_masks(prim: &Prim, types: &[&Type], masks: &[Mask], _: &Type) -> Aligned {
    match masks.iter().any(Mask::any) {
        true => Aligned::new(prim, types.iter().map(|ty| Mask::full(ty)).collect(), Mask::All),
        false => Aligned::new(prim, masks.to_vec(), Mask::None),
    }
}

fn env_get_masks(prim: &Prim, _: &[&Type], masks: &[Mask], result: &Type) -> Aligned {
    Aligned::new(prim, masks.to_vec(), if masks[0].any() { Mask::full(result) } else { Mask::None })
}

fn env_put_masks(prim: &Prim, types: &[&Type], masks: &[Mask], result: &Type) -> Aligned {
    env_make_masks(prim, types, masks, result)
}

fn env_add_masks(prim: &Prim, types: &[&Type], masks: &[Mask], result: &Type) -> Aligned {
    stack_add_masks(prim, types, masks, result)
}

/// Attributes that name axes hold for every tensor of a value: all have the axis of the lanes or none.
fn whole_masks(prim: &Prim, types: &[&Type], masks: &[Mask], result: &Type) -> Aligned {
    if !masks[0].any() {
        return Aligned::new(prim, masks.to_vec(), Mask::None);
    }
    let attrs = [prim.attrs[0], prim.attrs[1] + 1].into_iter().collect();
    Aligned { attrs, operands: vec![Mask::full(types[0])], result: Mask::full(result) }
}

pub(super) fn operands<'t, const N: usize>(types: &[&'t Type]) -> Result<[&'t Type; N], String> {
    types.try_into().map_err(|_| format!("{N} operands were expected, not {}", types.len()))
}

pub(super) fn item_type(stack: &Type) -> Result<&Type, String> {
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
            Ok((super::ADD.eval)(&Attrs::new(), &mut Args::new(&mut [a, b]), &ty).expect("floats of one shape add"))
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
