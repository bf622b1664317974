"""Libraries: which functions allocate, which return a view, which write into what they are given.

Sources: the references of NumPy 2, torch 2 and JAX 0.10, read for this purpose. A function that is not
listed returns something unknown: nothing is said about it.
"""

from __future__ import annotations

ARRAY_MODULES = {"numpy", "torch", "cupy", "jax.numpy", "numpy.ma", "numpy.random", "autograd.numpy"}

SHAPED = {"zeros", "empty", "ones", "full", "rand", "randn", "random_sample", "ndarray"}
"""Allocators whose first argument is a shape."""

BLANK = {
    "zeros",
    "empty",
    "ones",
    "full",
    "zeros_like",
    "empty_like",
    "ones_like",
    "full_like",
    "memmap",
    "ndarray",
}
"""Allocators of memory that is there to be filled."""

LIKE = {"zeros_like", "empty_like", "ones_like", "full_like", "rand_like", "randn_like"}

MAKERS = {
    *(
        "array",
        "arange",
        "linspace",
        "logspace",
        "eye",
        "identity",
        "stack",
        "concatenate",
        "hstack",
        "vstack",
    ),
    *(
        "dstack",
        "tile",
        "repeat",
        "copy",
        "load",
        "loadtxt",
        "genfromtxt",
        "fromfile",
        "memmap",
        "where",
        "cat",
    ),
    *(
        "meshgrid",
        "sort",
        "argsort",
        "permutation",
        "randint",
        "normal",
        "uniform",
        "random",
        "choice",
        "pad",
    ),
    *(
        "integers",
        "standard_normal",
        "masked_array",
        "diag",
        "outer",
        "dot",
        "matmul",
        "full",
        "tensor",
        "clone",
    ),
    *(
        "randperm",
        "abs",
        "exp",
        "log",
        "sqrt",
        "sin",
        "cos",
        "mean",
        "sum",
        "clip",
        "maximum",
        "minimum",
        "take",
    ),
    *(
        "add",
        "subtract",
        "multiply",
        "divide",
        "roll",
        "interp",
        "zeros",
        "cumsum",
        "append",
        "delete",
        "insert",
    ),
}
"""Functions that return a new array, and never memory that they were given."""

SCALARS_WITHOUT_SIZE = {
    *("randint", "normal", "uniform", "random", "choice", "integers", "standard_normal", "rand", "randn"),
    *("mean", "sum", "dot", "abs", "exp", "log", "sqrt", "sin", "cos", "maximum", "minimum", "clip", "take"),
    *("add", "subtract", "multiply", "divide", "random_sample", "outer", "matmul", "where", "interp"),
}
"""Those of them that may return a number; what they return is followed only where a size is given."""

VIEWS = {
    *("asarray", "asanyarray", "reshape", "transpose", "expand_dims", "squeeze", "moveaxis", "rollaxis"),
    *(
        "swapaxes",
        "ravel",
        "atleast_1d",
        "atleast_2d",
        "atleast_3d",
        "broadcast_to",
        "flip",
        "flipud",
        "fliplr",
    ),
    *("rot90", "from_numpy", "as_tensor", "unsqueeze", "permute", "ascontiguousarray", "require", "t"),
    *(
        "sliding_window_view",
        "as_strided",
        "movedim",
        "narrow",
        "select",
        "view_as_real",
        "split",
        "array_split",
    ),
}
"""Functions that return memory which they were given."""

VIEW_METHODS = {
    *("reshape", "transpose", "squeeze", "swapaxes", "ravel", "view", "unsqueeze", "permute", "t", "numpy"),
    *("detach", "view_as", "expand", "expand_as", "contiguous", "narrow", "select", "diagonal", "asnumpy"),
    *("unfold", "movedim", "tensor_split", "chunk", "cpu", "__array__"),
}
VIEW_ATTRIBUTES = {"T", "real", "imag", "flat", "data", "mT", "H", "mask", "base", "buf"}

FRESH_METHODS = {
    *(
        "copy",
        "clone",
        "astype",
        "tolist",
        "flatten",
        "mean",
        "sum",
        "round",
        "clip",
        "repeat",
        "dot",
        "cumsum",
    ),
    *("tobytes", "take", "argsort", "nonzero", "max", "min", "std", "item", "any", "all"),
}
SHALLOW = {"copy.copy", "list", "tuple", "dict", "set", "sorted", "reversed", "builtins.list"}

WRITING_METHODS = {
    "array": {"fill", "sort", "partition", "put", "itemset", "setfield", "__setitem__", "put_along_axis"},
    "list": {"append", "extend", "insert", "clear", "pop", "remove", "sort", "reverse", "__setitem__"},
    "dict": {"update", "clear", "pop", "popitem", "setdefault", "__setitem__"},
}
"""Methods that change what they are called on."""

TORCH_HARMLESS = {
    *(
        "requires_grad_",
        "share_memory_",
        "detach_",
        "squeeze_",
        "unsqueeze_",
        "t_",
        "transpose_",
        "retain_grad_",
    ),
    *("resize_", "rename_", "swapaxes_", "swapdims_", "as_strided_", "set_"),
}
"""Methods with torch's mark of a write that change no element."""

WRITES_FIRST_ARGUMENT = {
    *(
        "numpy.copyto",
        "numpy.put",
        "numpy.place",
        "numpy.putmask",
        "numpy.fill_diagonal",
        "numpy.random.shuffle",
    ),
    *("random.shuffle", "numpy.put_along_axis", "numpy.add.at", "numpy.subtract.at", "numpy.multiply.at"),
    *("numpy.maximum.at", "numpy.minimum.at", "cv2.rectangle", "cv2.circle", "cv2.line", "cv2.putText"),
    *("cv2.fillPoly", "cv2.drawContours", "cv2.polylines", "cv2.ellipse", "cv2.fillConvexPoly"),
    *(
        "ctypes.memmove",
        "cupy.copyto",
        "cupy.random.shuffle",
        "heapq.heappush",
        "heapq.heappop",
        "heapq.heapify",
    ),
}
WRITES_LATER_ARGUMENT = {"struct.pack_into": 1}
"""Functions that fill an argument behind the first, by its position."""

WRITES_ARGUMENT_METHODS = {"shuffle": 0, "readinto": 0, "recv_into": 0, "readinto1": 0, "read_direct": 0}
"""Methods of anything (a random generator, a file, a socket, a data set of HDF5) that fill an argument."""

WRITING_KEYWORDS = {"out", "dst"}

UNDONE_BY_ITSELF = {
    "numpy.negative",
    "numpy.logical_not",
    "numpy.invert",
    "numpy.conjugate",
    "numpy.bitwise_not",
}
"""Functions that, applied twice in place, change nothing: whether they are cannot be told."""

WAITING_METHODS = {
    *("synchronize", "wait", "wait_stream", "wait_event", "block_until_ready", "query", "item", "join"),
    *("result", "tolist", "effects_barrier"),
}
WAITING_FUNCTIONS = {
    *("jax.block_until_ready", "torch.cuda.synchronize", "jax.effects_barrier", "float", "int", "print"),
    *("jax.device_get", "time.sleep", "numpy.asarray", "numpy.array", "bool"),
}
LATE_COPIES = {"jax.numpy.array", "jax.numpy.asarray", "jax.numpy.copy", "jax.device_put", "jax.numpy.stack"}

QUEUES = {
    *("queue.Queue", "queue.LifoQueue", "queue.PriorityQueue", "queue.SimpleQueue", "Queue.Queue"),
    *(
        "multiprocessing.Queue",
        "multiprocessing.JoinableQueue",
        "torch.multiprocessing.Queue",
        "asyncio.Queue",
    ),
    *("multiprocessing.queues.Queue", "eventlet.queue.Queue", "gevent.queue.Queue"),
    *("janus.Queue", "culsans.Queue"),
}
