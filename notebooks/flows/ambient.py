# %% [markdown]
# # Ambient diffusion: Trains a diffusion model on a few clean and many noisy images, and prices the noisy ones

# %% tags=["install", "hide-input", "remove-output"]
import subprocess
import sys

if "google.colab" in sys.modules:
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "mixbook[flows]"], check=True)

# %% tags=["hide-input", "parameters"]
profile = "ci"
seed = 0
device = "auto"

# %% tags=["hide-input"]
import matplotlib.pyplot as plt
import torch

import mixbook
from mixbook.core import plots
from mixbook.core.seeds import as_generator, pick_device
from mixbook.flows.ambient import mean_squared_error

SIZES = {"ci": dict(n=100, d=2), "full": dict(n=10_000, d=2)}
cfg = SIZES[profile]
device = pick_device(device)
generator = as_generator(seed, device)
plots.use_style()

# %% tags=["remove-input"]
mixbook.card("ambient")

# %% [markdown]
# ## In one picture
#
# What the method does and why one would want it, seen at once.

# %% tags=["hide-input", "thumbnail"] mystnb={"image": {"alt": "Two clouds of points: targets, and predictions scattered around them."}}
target = torch.randn(cfg["n"], cfg["d"], generator=generator, device=device)
noise = torch.randn(cfg["n"], cfg["d"], generator=generator, device=device)
prediction = target + 0.3 * noise
fig, ax = plt.subplots(figsize=(5, 4))
ax.scatter(*target.cpu().T, s=8, label="target")
ax.scatter(*prediction.cpu().T, s=8, label="prediction")
ax.set(xlabel="first coordinate", ylabel="second coordinate")
ax.legend()
plt.show()

# %% [markdown]
# ## The problem
#
# What is given, what is wanted, and why it is hard.

# %% [markdown]
# ## The idea
#
# The idea in words and small math. The error is
#
# $$ \mathrm{E}\,\lVert \hat y - y \rVert^2 \qquad \text{Eq. (1)} $$

# %% [markdown]
# ## The method
#
# Eq. (1) in code:

# %%
mixbook.show_source(mean_squared_error)

# %% [markdown]
# ## Experiments
#
# The paper's own comparison, with the strongest cheap baseline.

# %%
error = mean_squared_error(prediction, target).item()
baseline = mean_squared_error(torch.zeros_like(target), target).item()

# %% tags=["remove-input"]
mixbook.say(f"The error is {error:.2f}; predicting the mean costs {baseline:.2f}.")

# %% [markdown]
# ## Scorecard

# %% tags=["hide-input"]
scorecard = mixbook.Scorecard("ambient", profile=profile, seed=seed)
scorecard.claim(
    "C1",
    "The prediction beats the mean.",
    where="Section 1",
    measured=dict(error=error, baseline=baseline),
    criterion="error < baseline / 2",
)
scorecard

# %% tags=["nbval-check-output"]
print(scorecard.verdicts())

# %% [markdown]
# ## What we scaled down
#
# What is smaller here than in the paper, and what that can and cannot show.

# %% [markdown]
# ## Use it on your own data

# %%
mine = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
print(mean_squared_error(mine, mine + 0.5))

# %% [markdown]
# ## Exercises
#
# **1.** What does a shift by one in every coordinate cost?
#
# **Solution.** One for each coordinate:

# %% tags=["hide-input"]
print(mean_squared_error(mine, mine + 1))

# %% [markdown]
# **2.** Change the method: let outliers count less.
#
# **Solution.** Clip the distances, for example:

# %% tags=["hide-input"]
clipped = (mine - target[:2].cpu()).clamp(-1, 1)
print((clipped**2).sum(dim=1).mean())

# %% [markdown]
# ## References
#
# - Giannis Daras, Yeshwanth Cherapanamjeri, Constantinos Daskalakis. *How much is a noisy image worth? Data Scaling Laws for Ambient Diffusion*. ICLR 2025. {cite}`daras2025noisy`.
