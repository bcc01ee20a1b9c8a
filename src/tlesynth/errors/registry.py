"""Every error a user can meet: code, what happened, what to do, exit status.

``docs/errors.md`` is made from this table (``documentation.py``).
"""

from __future__ import annotations

from tlesynth.errors.entry import Entry
from tlesynth.errors.reader_study import ROWS as READER_STUDY
from tlesynth.errors.serving import ROWS as SERVING
from tlesynth.errors.statuses import (
    INPUT,
    LOCKED,
    MODEL,
    NUMERICAL,
    PRIVACY,
    RESOURCE,
    SOME_FAILED,
    STOPPED,
    USAGE,
)

REGISTRY: dict[str, Entry] = {
    # Reading one volume.
    "NII-001": Entry("the file is empty", "Copy it again from its source.", INPUT),
    "NII-002": Entry("the file is truncated", "Copy it again from its source.", INPUT),
    "NII-003": Entry("the gzip data are damaged", "Copy it again from its source, or check it with gzip -t.", INPUT),
    "NII-005": Entry(
        "the file name and its content disagree", "Rename it: .nii is plain, .nii.gz is compressed.", INPUT
    ),
    "NII-006": Entry("this is not a NIfTI file", "Give a NIfTI-1 or NIfTI-2 file (.nii or .nii.gz).", INPUT),
    "NII-007": Entry("this is not a regular file", "Give the path of a NIfTI file.", INPUT),
    "NII-008": Entry("the file cannot be read", "Check that it exists and that you may read it.", INPUT),
    "NII-009": Entry(
        "the header declares too many voxels", "Check the header; volumes above 512 Mvoxel are refused.", INPUT
    ),
    "NII-012": Entry("the dimensions are impossible", "Check the header's dim field.", INPUT),
    "NII-013": Entry(
        "the file holds more than its header says", "Export the scan again; its header may describe another.", INPUT
    ),
    "NII-015": Entry("this is not a 3D volume", "Give a 3D T1-weighted volume of at least 16 voxels a side.", INPUT),
    "NII-016": Entry("this is a 4D series", "Give one 3D T1-weighted volume, not a time series.", INPUT),
    "NII-017": Entry("the data type cannot be used", "Convert the volume to integer or float voxels.", INPUT),
    "NII-018": Entry("this is a label map or a vector field, not an image", "Give the T1-weighted scan itself.", INPUT),
    "NII-020": Entry("the intensity scaling is impossible", "Check scl_slope and scl_inter of the header.", INPUT),
    "NII-021": Entry(
        "1 % or more of the voxels are NaN or infinite", "Export the scan again without NaN or infinite voxels.", INPUT
    ),
    "NII-022": Entry("the volume is empty or constant", "Check how the scan was exported.", INPUT),
    "NII-023": Entry("the intensities look like computed tomography", "Give a T1-weighted MRI.", INPUT),
    "NII-024": Entry(
        "the voxel size is impossible", "Check pixdim and the affine; a T1 has voxels of 0.2 to 6 mm.", INPUT
    ),
    "NII-025": Entry("the field of view fits no head", "Check the header's units (xyzt_units) and voxel sizes.", INPUT),
    "NII-026": Entry(
        "the orientation is unknown (sform and qform codes are 0)",
        "Set the qform or sform; without it left and right cannot be told apart.",
        INPUT,
    ),
    "NII-027": Entry(
        "qform and sform disagree about left and right", "Find out which is right and remove the other.", INPUT
    ),
    "NII-028": Entry("the affine cannot be used", "Check the sform and qform of the header.", INPUT),
    "NII-029": Entry("the file changed while it was read", "Wait until it is written, then run again.", INPUT),
    "NII-030": Entry(
        "the volume is on another grid", "Preprocess it to the grid this model or cohort was made on.", INPUT
    ),
    "NII-031": Entry("the intensities are not on [0, 1]", "Give the scan as tlesynth preprocess writes it.", INPUT),
    # Registration and quality control.
    "REG-001": Entry(
        "the brain does not match the template", "Look at the scan: it may be rotated, cut, or no head.", INPUT
    ),
    "REG-002": Entry(
        "the order of the tissues is not that of a T1",
        "Look at the scan: a T2 or FLAIR may be named T1w. Disease can do it too, so nothing is left out for it.",
        INPUT,
    ),
    "REG-003": Entry("the registration failed", "Look at the scan; the log holds the registration's own words.", INPUT),
    "REG-004": Entry(
        "the non-linear warp is no anatomy", "Look at the scan and its mask, or use preprocess.mode: affine.", INPUT
    ),
    "MASK-001": Entry(
        "the given brain mask cannot be used", "Look at the mask over the scan, or use brain_mask: template.", INPUT
    ),
    "MASK-002": Entry("the brain mask command cannot be started", "Install the program, or give its full path.", USAGE),
    "MASK-003": Entry("the brain mask command failed", "Run it by hand on this scan.", INPUT),
    "MASK-004": Entry(
        "the brain mask command left no mask", "Check where preprocess.brain_mask_command writes.", INPUT
    ),
    "QC-001": Entry(
        "the scan failed the quality control",
        "Look at it in the quality page; preprocess.qc in the recipe holds the limits and what they do.",
        SOME_FAILED,
    ),
    # Cohorts.
    "DATA-001": Entry("the cohort's metadata cannot be read", "Repair the file named above.", INPUT),
    "DATA-002": Entry(
        "no T1-weighted scans were found", "Give the root of a BIDS data set with sub-*/anat/*_T1w.nii.gz.", INPUT
    ),
    "DATA-003": Entry(
        "the group column cannot be understood",
        "Name the column and its values in the recipe's labels section (labels.group_column, labels.hc, labels.tle).",
        USAGE,
    ),
    "DATA-004": Entry("a participant is listed twice", "Keep one row per participant_id in participants.tsv.", USAGE),
    "DATA-005": Entry("no scan is left after preprocessing", "See outcomes.tsv for the reason of each.", INPUT),
    "DATA-006": Entry(
        "a participant cannot be used",
        "Give it one row with a group in participants.tsv and one T1-weighted scan, or leave it out.",
        INPUT,
    ),
    "DATA-007": Entry("a participant stands in two splits", "Give each participant_id one row in splits.tsv.", USAGE),
    "DATA-008": Entry("too few subjects in a class", "Each class needs at least 4 usable subjects.", INPUT),
    "DATA-009": Entry(
        "two participants differ only in upper and lower case",
        "Rename one: on some disks and in some tools they are the same.",
        USAGE,
    ),
    "DATA-010": Entry("the cohort does not fit the splits", "Run split again on this cohort.", USAGE),
    "DATA-011": Entry("the input of this stage is missing", "Run the stage that writes it first.", INPUT),
    "DATA-012": Entry(
        "the site alone tells the groups apart",
        "Hold a site out (split.leave_one_site_out), or balance groups within sites.",
        INPUT,
    ),
    "DATA-013": Entry(
        "a synthetic volume stands in val or test",
        "Judge on real scans only: take it out of the derivatives and run split again.",
        USAGE,
    ),
    "DATA-014": Entry(
        "a link cannot be followed", "Fetch or repair what it points to (git-annex: datalad get).", INPUT
    ),
    "DATA-015": Entry("these are DICOM files", "Convert them with dcm2niix as shown above.", INPUT),
    "DATA-016": Entry(
        "a row of the manifest cannot be used", "Correct the row; paths are relative to the file.", INPUT
    ),
    "DATA-017": Entry(
        "this is no preprocessed cohort",
        "Give the folder that preprocess (or sample, or encode) wrote; raw scans go through tlesynth preprocess first.",
        INPUT,
    ),
    # Privacy.
    "PRIV-001": Entry(
        "a column may identify a person",
        "Remove or blur it before you share the table; tlesynth never copies it, and takes no condition from it.",
        PRIVACY,
    ),
    "PRIV-003": Entry(
        "a raw scan shows a face",
        "Deface the scans (pydeface, mri_deface) or extract the brains, or set preprocess.require_defaced: false.",
        PRIVACY,
    ),
    "PRIV-010": Entry(
        "the synthetic cohort repeats training scans or lies too near to them",
        "Do not share it: train on more scans, with augmentation or shorter; certificate.json has the numbers. To go "
        "on without the copies set privacy.gate: report; the certificate then says so.",
        PRIVACY,
    ),
    "DATA-020": Entry(
        "the same scan stands under two ids", "They are kept in one split; leave one of them out.", INPUT
    ),
    "DATA-021": Entry(
        "one scan or patient stands under two ids with different groups",
        "Find out which is right and leave the other out.",
        USAGE,
    ),
    "DATA-022": Entry(
        "a participant that was asked for has no usable scan", "Give labels of the cohort, with or without sub-.", USAGE
    ),
    "DATA-030": Entry(
        "a scan that was learned from would choose or judge",
        "Judge on scans that neither the generator nor the classifier saw: restore splits.tsv, or train anew on it.",
        USAGE,
    ),
    "DATA-031": Entry(
        "there are too few synthetic scans for the study",
        "Draw more of both classes (sample.n_hc, sample.n_tle; for the task side they need a side), or set smaller "
        "augment_study.ratios.",
        USAGE,
    ),
    # Recipes and output folders.
    "CFG-001": Entry(
        "the recipe has a key that does not exist", "Correct the key; a run's recipe.yaml lists them all.", USAGE
    ),
    "CFG-002": Entry("a value in the recipe is not allowed", "Correct the value.", USAGE),
    "CFG-003": Entry("sizes do not fit together", "Choose sizes that fit.", USAGE),
    "CFG-004": Entry(
        "the recipe cannot be read",
        "Give a recipe name (paper, recommended, fine, demo, tiny) or a plain YAML file.",
        USAGE,
    ),
    "CFG-005": Entry("the output folder cannot be used", "Choose another output folder.", USAGE),
    "CFG-010": Entry(
        "the output folder was made by another recipe or from another input",
        "Choose another output folder; tlesynth run redoes what differs with --replace.",
        USAGE,
    ),
    "CFG-011": Entry("a condition cannot be asked for", "Correct the condition, or the recipe's section.", USAGE),
    # Models, weights, checkpoints.
    "CKP-001": Entry("a model or checkpoint is damaged", "Restore its folder from a copy, or make it again.", MODEL),
    "CKP-002": Entry("every checkpoint of this run is damaged", "Restore one, or choose another output folder.", MODEL),
    "CKP-009": Entry(
        "the diffusion model was trained with another autoencoder",
        "Use the autoencoder it was trained with, or train it again.",
        MODEL,
    ),
    "MOD-004": Entry(
        "the model folder cannot be used", "Give the folder that training wrote (config.json and safetensors).", MODEL
    ),
    "MOD-005": Entry(
        "the autoencoder of these latents failed its quality gate",
        "Look at autoencoder.html. Train it longer or on more scans and encode again; or give the limits that you "
        "want (recipe section autoencoder.gate, or --set autoencoder.gate.l1=0.08), which count at once; or set "
        "diffusion.accept_failed_gate: true.",
        MODEL,
    ),
    "MOD-006": Entry(
        "these weights are not of a network we run",
        "Give a checkpoint of MONAI's AutoencoderKL or MAISI's AutoencoderKlMaisi: three levels, one channel.",
        MODEL,
    ),
    "MOD-007": Entry("there is no such weights file", "Check the path.", MODEL),
    "WTS-001": Entry("pretrained weights are missing", "Run the command named above where there is a network.", MODEL),
    "WTS-002": Entry(
        "pretrained weights have the wrong checksum", "Fetch the file again from its official source.", MODEL
    ),
    # Resources.
    "RES-001": Entry("the disk is full or cannot be written", "Free space and run the same command again.", RESOURCE),
    "RES-002": Entry(
        "there is too little free disk for this run", "Free space, or choose another output folder.", RESOURCE
    ),
    "RES-010": Entry(
        "the device does not exist here", "Set device: cpu, or check the driver with tlesynth doctor.", RESOURCE
    ),
    "RES-020": Entry("memory ran out", "Lower the batch size or choose a smaller recipe.", RESOURCE),
    # Numerics.
    "NUM-001": Entry(
        "the loss or its gradient is not finite",
        "Look at the scans it names, if any; else lower the learning rate or set precision: 32-true. The last good "
        "state is kept in checkpoints/; the same command goes on after the refused steps.",
        NUMERICAL,
    ),
    "NUM-006": Entry(
        "a generated volume is empty or not finite", "Train the model longer, or lower the guidance scale.", NUMERICAL
    ),
    "NUM-007": Entry(
        "the drawn volumes cannot be reached by a smooth deformation", "Lower simulate.severity_scale.", NUMERICAL
    ),
    # Operation.
    "OPS-001": Entry("a subject failed", "See the outcomes table and the log.", SOME_FAILED),
    "OPS-003": Entry(
        "a subject took longer than its time limit",
        "Look at the scan, or raise preprocess.subject_seconds.",
        SOME_FAILED,
    ),
    "OPS-010": Entry("another run is using this folder", "Wait for it, or choose another output folder.", LOCKED),
    "OPS-021": Entry("the subject was not asked for", "Run without --participant-label to do them all.", SOME_FAILED),
    "OPS-020": Entry(
        "the cluster's libraries are not installed",
        "Install the extra: pip install 'tlesynth[cluster]', or set sharing.backend: joblib.",
        USAGE,
    ),
    "OPS-022": Entry(
        "the cluster's workers cannot run tlesynth",
        "Let them see this environment: the same path on a shared file system, or a job-script-prologue in "
        "jobqueue.yaml that activates it. Or set sharing.backend: joblib.",
        USAGE,
    ),
    "OPS-030": Entry(
        "some trainings of the study failed",
        "See augmentation/jobs for the reason of each; the same command tries them again. Test was not opened.",
        SOME_FAILED,
    ),
    "OPS-075": Entry(
        "stopped on request; everything done so far is saved", "Run the same command again to go on.", STOPPED
    ),
    **SERVING,
} | READER_STUDY
