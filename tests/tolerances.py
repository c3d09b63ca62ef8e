"""Every tolerance the tests use, each with its reason. Errors are maxima, never means."""

OP = 1e-5  # one operation computed two ways in float32: reordered sums
NETWORK = 2e-4  # a whole float32 network against its reference: max|a-b| <= NETWORK * max(1, max|b|)
BF16 = 2e-2  # bfloat16 carries 8 bits of mantissa
GRAD_X64 = 1e-6  # autodiff against central differences in float64
DEVICES = 1e-6  # N devices against one: only the order of the reductions differs
EXACT = 0.0  # the same program on the same numbers
MOMENTS = 1e-6  # streamed float32 moments against float64, relative to the spread: one batch's rounded products remain
