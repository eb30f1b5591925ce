Feature: Bad telemetry
  Whatever is wrong with a request is said by its place, and nothing is lost or changed by it.

  Background:
    Given version "v1" of model "default" was trained on healthy vehicles

  Scenario Outline: A batch with a fault is not learnt from
    When I train on a batch where <fault>
    Then it is refused as "<kind>", naming "<place>"
    And model "default" has 1 version
    And version "v1" is still the latest of model "default"

    Examples:
      | fault                                       | kind                  | place                            |
      | there are no records                        | empty-batch           | records:                         |
      | record 17 has a number too few              | wrong-feature-count   | records[17].feature_vector:      |
      | record 17 has a number too many             | wrong-feature-count   | records[17].feature_vector:      |
      | records 17 and 18 have different lengths    | wrong-feature-count   | records[17].feature_vector:      |
      | a number of record 17 is NaN                | malformed-message     | records[17].feature_vector[1]:   |
      | a number of record 17 is Infinity           | malformed-message     | records[17].feature_vector[1]:   |
      | a number of record 17 is 1e400              | malformed-message     | records[17].feature_vector[1]:   |
      | a number of record 17 is 1e39               | malformed-message     | records[17].feature_vector[1]:   |
      | a number of record 17 is "1"                | malformed-message     | records[17].feature_vector[1]:   |
      | a number of record 17 is true               | malformed-message     | records[17].feature_vector[1]:   |
      | record 17 has an unknown field              | malformed-message     | records[17].colour:              |
      | record 17 has no vehicle                    | malformed-message     | records[17].vehicle_id:          |
      | record 17 has a vehicle of 65 characters    | malformed-message     | records[17].vehicle_id:          |
      | record 17 was taken yesterday               | malformed-message     | records[17].timestamp:           |
      | record 17 has neither a vector nor features | malformed-message     | records[17].feature_vector:      |
      | two features have the same name             | invalid-feature-names | feature_names[1]:                |
      | there is a name too few                     | wrong-feature-count   | records[0].feature_vector:       |
      | there is an unknown field                   | malformed-message     | colour:                          |
      | the version is ../x                         | invalid-model-version | model_version:                   |
      | the version is a/b                          | invalid-model-version | model_version:                   |
      | the version is ..                           | invalid-model-version | model_version:                   |
      | the version is %2e%2e                       | invalid-model-version | model_version:                   |
      | the version is LATEST                       | invalid-model-version | model_version:                   |
      | the model is ../x                           | invalid-model-name    | model_name:                      |
      | the message is cut off                      | malformed-message     | body:                            |
      | the message is nested 100000 deep           | malformed-message     | body:                            |
      | the message is not UTF-8                    | malformed-message     | records[17]:                     |

  Scenario Outline: A reading with a fault is not scored
    When I score a reading where <fault>
    Then it is refused as "<kind>", naming "<place>"

    Examples:
      | fault                           | kind                | place              |
      | there is a number too few       | wrong-feature-count | feature_vector:    |
      | a number is NaN                 | malformed-message   | feature_vector[1]: |
      | a number is "1"                 | malformed-message   | feature_vector[1]: |
      | there is an unknown sensor      | unknown-feature     | features.oil:      |
      | a sensor sent text              | malformed-message   | features.vehicle_speed_kmh: |
      | there is an unknown field       | malformed-message   | colour:            |
      | the version is ../x             | invalid-model-version | model_version:   |

  Scenario: One bad reading in a batch to score
    When I score a batch where record 17 has a number too few
    Then it is refused as "wrong-feature-count", naming "records[17].feature_vector:"

  Scenario: Every bad place is told
    When I train on a batch where records 3, 5 and 8 have text for a number
    Then the places "records[3].feature_vector[1], records[5].feature_vector[1], records[8].feature_vector[1]" are told
